'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const page = document.getElementById('page');
const svgSpace = 'http://www.w3.org/2000/svg';
const palette = ['#2f7ed8', '#16a37f', '#8b5cf6', '#e58a1f', '#d64545', '#0ea5b7', '#a16207', '#64748b'];

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
function shape(tag, attributes, text) {
  const node = document.createElementNS(svgSpace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}
function add(...nodes) { page.append(...nodes); }
function heading(text, note) {
  add(element('h2', {}, text));
  if (note) add(element('p', { class: 'soft' }, note));
}
const whole = value => Math.round(value).toLocaleString('en');
const percent = (value, digits = 2) => (100 * value).toFixed(digits) + ' %';
function short(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return (value / 1e9).toFixed(2) + ' G';
  if (size >= 1e6) return (value / 1e6).toFixed(2) + ' M';
  if (size >= 1e4) return (value / 1e3).toFixed(1) + ' k';
  return size >= 100 || Number.isInteger(value) ? whole(value) : value.toFixed(size >= 10 ? 1 : 2);
}
function table(header, rows) {
  const head = element('tr', {}, ...header.map(text => element('th', {}, text)));
  const body = rows.map(row => element('tr', {}, ...row.map(cell => cell instanceof Node ? element('td', {}, cell) : element('td', {}, String(cell)))));
  add(element('div', { class: 'scroll' }, element('table', {}, element('thead', {}, head), element('tbody', {}, ...body))));
}
function legend(entries) {
  add(element('div', { class: 'legend' }, ...entries.map(([name, colour]) => element('span', {}, element('i', { style: 'background:' + colour }), name))));
}
function cards(entries) {
  add(element('div', { class: 'cards' }, ...entries.map(([value, label]) => element('div', { class: 'card' }, element('b', {}, value), element('span', {}, label)))));
}

/* A frame with axes; x are positions 0..n-1 with labels, y from low to high. */
function frame(labels, low, high, unit) {
  const width = 1040, height = 240, left = 64, right = 10, top = 10, bottom = 26;
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img' });
  const x = i => left + (labels.length < 2 ? 0 : i * (width - left - right) / (labels.length - 1));
  const y = value => height - bottom - (value - low) / (high - low || 1) * (height - top - bottom);
  for (let i = 0; i <= 4; i++) {
    const value = low + (high - low) * i / 4;
    svg.append(shape('line', { x1: left, x2: width - right, y1: y(value), y2: y(value), stroke: 'var(--line)' }));
    svg.append(shape('text', { x: left - 8, y: y(value) + 4, 'text-anchor': 'end' }, unit(value)));
  }
  const every = Math.max(1, Math.ceil(labels.length / 12));
  labels.forEach((label, i) => { if (i % every === 0) svg.append(shape('text', { x: x(i), y: height - 8, 'text-anchor': 'middle' }, label)); });
  return { svg, x, y };
}
function lines(labels, series, low, high, unit) {
  const { svg, x, y } = frame(labels, low, high, unit);
  for (const [name, colour, values] of series) {
    const points = values.map((value, i) => `${x(i).toFixed(1)},${y(Math.max(low, Math.min(high, value))).toFixed(1)}`).join(' ');
    const line = shape('polyline', { points, fill: 'none', stroke: colour, 'stroke-width': 1.8 });
    line.append(shape('title', {}, name));
    svg.append(line);
  }
  legend(series.map(([name, colour]) => [name, colour]));
  add(svg);
}
function stacked(labels, series, high, unit) {
  const { svg, x, y } = frame(labels, 0, high, unit);
  const base = labels.map(() => 0);
  for (const [name, colour, values] of series) {
    const up = values.map((value, i) => base[i] + value);
    const forth = up.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`);
    const back = base.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).reverse();
    const area = shape('polygon', { points: forth.concat(back).join(' '), fill: colour, opacity: 0.85 });
    area.append(shape('title', {}, name));
    svg.append(area);
    values.forEach((value, i) => { base[i] = up[i]; });
  }
  legend(series.map(([name, colour]) => [name, colour]));
  add(svg);
}
function map(spots) {
  const width = 1040, edge = 24;
  const middle = spots.reduce((sum, spot) => sum + spot.latitude, 0) / spots.length;
  const shrink = Math.cos(middle * Math.PI / 180);
  const xs = spots.map(spot => spot.longitude * shrink), ys = spots.map(spot => spot.latitude);
  const bound = values => values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const [west, east] = bound(xs), [south, north] = bound(ys);
  const scale = Math.min((width - 2 * edge) / (east - west || 1), 900 / (north - south || 1));
  const height = 2 * edge + (north - south) * scale;
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img' });
  const most = Math.max(...spots.filter(spot => spot.tier === 'cell').map(spot => spot.usedShare), 1e-9);
  const order = { cell: 0, regional: 1, hub: 2 };
  [...spots].sort((a, b) => order[a.tier] - order[b.tier] || a.usedShare - b.usedShare).forEach(spot => {
    const cx = edge + (spot.longitude * shrink - west) * scale, cy = height - edge - (spot.latitude - south) * scale;
    const share = spot.usedShare / most;
    const colour = spot.tier === 'cell' ? `hsl(${(215 - 205 * share).toFixed(0)} 75% 50%)` : `var(--${spot.tier})`;
    const mark = spot.tier === 'cell'
      ? shape('circle', { cx, cy, r: Math.max(1.6, Math.min(12, 1.2 * Math.sqrt(Math.sqrt(spot.sites) * 2))), fill: colour, opacity: 0.25 + 0.7 * share })
      : shape('rect', { x: cx - (spot.tier === 'hub' ? 7 : 4), y: cy - (spot.tier === 'hub' ? 7 : 4), width: spot.tier === 'hub' ? 14 : 8, height: spot.tier === 'hub' ? 14 : 8, fill: colour, stroke: 'var(--paper)' });
    mark.append(shape('title', {}, `${spot.name}: ${whole(spot.answered)} requests, GPU ${percent(spot.usedShare, 1)} by AI${spot.tier === 'cell' ? ', ' + percent(spot.radioShare, 1) + ' by the radio at the end' : ''}`));
    svg.append(mark);
  });
  legend([[`base stations, red: the most used (${percent(most, 1)} of the GPU by AI)`, 'hsl(10 75% 50%)'], ['regional centres', 'var(--regional)'], ['hubs', 'var(--hub)']]);
  add(svg);
}

function report() {
  const about = data.scenario, totals = data.totals;
  document.title = about.name + ' - AI Grid twin';
  add(element('h1', {}, about.name));
  add(element('p', { class: 'lead' }, about.description));
  add(element('p', { class: 'soft' }, `${about.country}: ${whole(about.cells)} base stations, ${about.regionalCentres} regional centres, ${about.hubs} hub${about.hubs === 1 ? '' : 's'}, ${about.regions} regions. ${about.hours} h from ${about.begin}. Policy: ${about.policy}. Reports each ${about.heartbeatMs} ms. Seed ${about.seed}. ${about.source}.`));
  const cell = data.tiers.find(tier => tier.tier === 'cell');
  cards([
    [short(totals.requests), 'requests'],
    [percent(totals.attainment), 'met their objectives'],
    [percent((totals.refused + totals.failed + totals.broken) / Math.max(1, totals.requests), 3), 'refused, failed or broken'],
    [short(totals.goodputTokensPerSecond), 'output tokens/s within objectives'],
    [percent(cell.soldShareOfIdle), 'of the idle GPU at base stations sold'],
    [short(totals.outputTokens), 'output tokens']]);

  heading('Who met their objectives', 'Time to first token, and time per token after it, as the caller sees them. A refused, failed or broken request has not met them.');
  table(['service', 'class', 'objective ms', 'requests', 'met', 'late', 'refused', 'failed', 'broken', 'TTFT p50', 'p99', 'p99.9', 'TPOT p50', 'p99'],
    data.services.map(s => [s.name, s.class, `${s.ttftMsMax} / ${s.tpotMsMax}${s.latencyMsMax ? ' / ' + s.latencyMsMax : ''}`, whole(s.requests), percent(s.attainment, 3), whole(s.late), whole(s.refused), whole(s.failed), whole(s.broken), short(s.ttftMs.p50), short(s.ttftMs.p99), short(s.ttftMs['p99.9']), short(s.tpotMs.p50), short(s.tpotMs.p99)]));
  const labels = data.curve.map(bin => bin.at);
  const lowest = Math.min(0.99, ...data.curve.flatMap(bin => bin.attainment));
  lines(labels, data.services.map((s, i) => [s.name, palette[i % palette.length], data.curve.map(bin => bin.attainment[i])]), Math.floor(lowest * 20) / 20, 1, value => percent(value, 1));

  heading('Demand');
  lines(labels, [['requests/s', 'var(--cell)', data.curve.map(bin => bin.requestsPerSecond)]], 0, 1.1 * Math.max(1, ...data.curve.map(bin => bin.requestsPerSecond)), short);

  heading('Where they ran');
  table(['service', ...data.tiers.map(tier => tier.tier), ...data.tiers.map(tier => 'met at ' + tier.tier)],
    data.services.map(s => { const all = Math.max(1, s.met + s.late); return [s.name, ...data.tiers.map(t => percent(s.tiers[t.tier].answered / all, 1)), ...data.tiers.map(t => s.tiers[t.tier].answered ? percent(s.tiers[t.tier].met / s.tiers[t.tier].answered) : '-')]; }));

  heading('What the GPUs did', 'A GPU counts as used by AI for the share of time in which a pass runs, times the share that the radio leaves.');
  const gpus = Object.fromEntries(data.tiers.map(tier => [tier.tier, tier.gpus]));
  add(element('p', { class: 'soft' }, 'Base stations:'));
  stacked(labels, [['radio', 'var(--radio)', data.curve.map(bin => bin.radioGpus)], ['AI', 'var(--cell)', data.curve.map(bin => bin.cellGpusUsed)], ['idle', 'var(--idle)', data.curve.map(bin => Math.max(0, gpus.cell - bin.radioGpus - bin.cellGpusUsed))]], gpus.cell, short);
  add(element('p', { class: 'soft' }, 'Share of GPUs used by AI:'));
  lines(labels, ['cell', 'regional', 'hub'].filter(tier => gpus[tier]).map(tier => [tier, `var(--${tier})`, data.curve.map(bin => bin[tier + 'GpusUsed'] / gpus[tier])]), 0, 1, value => percent(value, 0));
  table(['tier', 'GPUs', 'GPU-hours', 'radio', 'AI', 'idle', 'idle sold', 'output tokens', 'per GPU-hour', 'per million tokens', 'with idle time'],
    data.tiers.map(t => [t.tier, whole(t.gpus), short(t.gpuHours), short(t.radioGpuHours), short(t.usedGpuHours), short(t.idleGpuHours), percent(t.soldShareOfIdle), short(t.outputTokens), t.pricePerGpuHour, t.costPerMillionTokens.toFixed(3), t.costPerMillionTokensWithIdle.toFixed(2)]));
  add(element('p', { class: 'soft' }, 'Cost per million output tokens = GPU-hours used x declared price of a GPU-hour / output tokens x 1e6; with idle time: all GPU-hours that the radio left.'));

  if (data.whatIfs.length) {
    heading('One regional centre less, one more', 'The same requests, part of the time, in a changed country.');
    table(['country', 'from', 'minutes', 'requests', 'met', 'regional share', 'TTFT p99 ms', 'change of met, points'],
      data.whatIfs.map(w => [w.country, w.begin, w.minutes, whole(w.requests), percent(w.attainment, 3), percent(w.regionalShare, 1), short(w.ttftP99Ms), (100 * w.change).toFixed(3)]));
  }
  heading('The country');
  map(data.map);
  heading('By region');
  table(['region', 'requests', 'met', ...data.services.map(s => s.name)], data.regions.map(r => [r.name, whole(r.requests), percent(r.attainment, 3), ...r.attainmentByService.map(v => percent(v, 2))]));

  heading('May this be believed?');
  const checks = data.checks;
  table(['check', 'value', 'expected'], [
    ["Little's law: mean number inside", short(checks.meanInside), 'rate x time inside: ' + short(checks.rateTimesTime)],
    ['requests neither ended nor refused', whole(checks.unfinished), '0'],
    ['output tokens unaccounted for', whole(checks.outputTokensOpen), '0'],
    ...(data.stepLevel.requests ? ['ttftMsP50', 'ttftMsP99', 'latencyMsP50', 'latencyMsP99'].map(key => [`${data.stepLevel.cells} cells played pass by pass: ${key}`, short(data.stepLevel[key].country), `${short(data.stepLevel[key].passByPass)} (${data.stepLevel[key].differencePercent.toFixed(1)} %)`]) : [])]);
  if (data.against) against();
}
function against() {
  heading('Against ' + data.against.name);
  table(['figure', 'this', 'other', 'difference'], data.against.rows.map(row => {
    const difference = row.value - row.other;
    const good = difference === 0 ? '' : (difference > 0) === row.moreIsBetter ? 'better' : 'worse';
    return [row.figure, short(row.value), short(row.other), element('span', { class: good }, (difference > 0 ? '+' : '') + (row.other ? (100 * difference / row.other).toFixed(2) + ' %' : short(difference)))];
  }));
}
function comparison() {
  document.title = data.name + ' - AI Grid twin';
  add(element('h1', {}, data.name));
  add(element('p', { class: 'lead' }, data.description));
  add(element('p', { class: 'soft' }, `${data.seeds} seeds; mean and 95 % confidence interval (Student's t).`));
  table(['variant', 'policy', 'met', ...data.services, 'TTFT p50 ms', 'p99 ms', 'refused or lost', 'cell', 'regional', 'hub'],
    data.rows.map(r => [r.variant || '-', r.policy, interval(r.attainment), ...r.byService.map(interval), short(r.ttftP50Ms), short(r.ttftP99Ms), percent(r.lost, 3), percent(r.tiers.cell, 1), percent(r.tiers.regional, 1), percent(r.tiers.hub, 1)]));
  const variants = [...new Set(data.rows.map(r => r.variant))], policies = [...new Set(data.rows.map(r => r.policy))];
  if (variants.length > 1) {
    heading('Requests that met their objectives');
    const low = Math.floor(20 * Math.min(...data.rows.map(r => r.attainment.mean))) / 20;
    lines(variants, policies.map((p, i) => [p, palette[i % palette.length], variants.map(v => data.rows.find(r => r.variant === v && r.policy === p).attainment.mean)]), low, 1, v => percent(v, 1));
  }
}
function interval(value) { return `${percent(value.mean)}${value.half == null ? '' : ' ± ' + (100 * value.half).toFixed(2)}`; }
function burst() {
  document.title = data.name + ' - AI Grid twin';
  const s = data.settings, pick = arm => data.rows.filter(row => row.arm === arm);
  const alone = pick('sites-alone')[0], pooled = pick('sites-pooled')[0], plain = pick('centre'), routed = pick('centre-routed');
  const trips = plain.map(row => `${row.roundTripMs} ms`), last = data.levels.findIndex(level => level.name === 'P99');
  const spread = (value, digits = 0) => `${value.mean.toFixed(digits)}${value.half == null ? '' : ' ± ' + value.half.toFixed(digits)}`;
  const ratio = value => value == null ? 'centre: none' : value.toFixed(2);
  const at = value => value == null ? 'not in the sweep' : `${whole(value)} ms`;
  add(element('h1', {}, data.name));
  add(element('p', { class: 'lead' }, data.description));
  add(element('p', { class: 'soft' }, `Prompts of ${s.promptTokens.p50}, ${s.promptTokens.p90}, ${s.promptTokens.p99} tokens (p50, p90, p99), answers of ${s.answerTokens.p50}, ${s.answerTokens.p90}, ${s.answerTokens.p99}; a pass takes ${s.stepBaseMs} ms + ${s.stepPrefillMsPerToken} a prompt token + ${s.stepDecodeMsPerSequence} a sequence + ${s.stepContextMsPerThousandTokens} a thousand tokens of context. Burstiness ${s.burstiness}. ${s.seconds} s a play, ${data.seeds} seeds from ${data.firstSeed}; mean and 95 % confidence interval (Student's t).`));
  cards([
    [spread(pooled.largestPerSecond, 1), 'requests/s: the most that pooled sites stand'],
    [spread(alone.largestPerSecond, 1), 'requests/s: the most that sites alone stand'],
    ...data.pairs.map(pair => [at(pair.noGainUpToMs), `from this round trip on the sites stand 5 % more: ${pair.title}`])]);

  heading('The largest load in time', `Requests/s at which ${percent(s.metLeast, 1)} are in time, over the round trip to the one place. The sites keep their own.`);
  const flat = row => trips.map(() => row.largestPerSecond.mean);
  const loads = [['sites pooled by core\'s router', palette[1], flat(pooled)], ['each site alone', palette[3], flat(alone)], ['one place, core\'s router', palette[0], routed.map(row => row.largestPerSecond.mean)], ['one place, plain balancer', palette[4], plain.map(row => row.largestPerSecond.mean)]];
  lines(trips, loads, 0, 1.1 * Math.max(...loads.flatMap(([, , values]) => values)), short);
  table(['arm', 'round trip ms', 'requests/s', 'goodput tokens/s'], data.rows.map(row => [row.title, row.roundTripMs, spread(row.largestPerSecond, 1), spread(row.largestGoodput)]));

  heading('Goodput over load', 'Output tokens/s of answers in time. The ladder is lognormal from the baseline, P50, to the burst, P99, which the pooled sites just stand unless the command said otherwise.');
  const names = data.levels.map(level => `${level.name}: ${level.perSecond.toFixed(0)}/s`);
  const goodput = (row, name, i) => [name, palette[i % palette.length], row.levels.map(level => level.goodput.mean)];
  const some = [0, ...[100, 300, 400, 440].map(ms => routed.findIndex(row => row.roundTripMs === ms)).filter(i => i > 0)];
  const curves = [goodput(pooled, 'sites pooled', 1), goodput(alone, 'each site alone', 3), ...some.map((i, n) => goodput(routed[i], `one place, core's router, ${trips[i]}`, [0, 2, 4, 5, 6][n]))];
  lines(names, curves, 0, 1.1 * Math.max(1, ...curves.flatMap(([, , values]) => values)), short);
  table(['arm', 'round trip ms', ...names], data.rows.map(row => [row.title, row.roundTripMs, ...row.levels.map(level => `${whole(level.goodput.mean)}, ${percent(level.met.mean, 1)}`)]));

  for (const [level, word] of [[0, 'baseline'], [last, 'burst']]) {
    heading(`Goodput at the ${word} over the round trip`);
    const series = [['sites pooled', palette[1], trips.map(() => pooled.levels[level].goodput.mean)], ['each site alone', palette[3], trips.map(() => alone.levels[level].goodput.mean)], ['one place, core\'s router', palette[0], routed.map(row => row.levels[level].goodput.mean)], ['one place, plain balancer', palette[4], plain.map(row => row.levels[level].goodput.mean)]];
    lines(trips, series, 0, 1.1 * Math.max(1, ...series.flatMap(([, , values]) => values)), short);
  }
  for (const pair of data.pairs) {
    heading('Ratio of ' + pair.title, `Cost of a token in time is the inverse, at the same price for each GPU. The published ratios would need ${at(pair.publishedBaselineAtMs)} at the baseline and ${at(pair.publishedBurstAtMs)} in the burst.`);
    const change = value => (100 * value).toFixed(1) + ' %';
    table(['round trip ms', 'largest load', 'goodput at baseline', 'in burst', 'cost at baseline', 'in burst'], [
      ...pair.rows.map(row => [row.roundTripMs, ratio(row.loadRatio), ratio(row.baselineRatio), ratio(row.burstRatio), change(row.baselineCostChange), change(row.burstCostChange)]),
      ['published: not told', '', ratio(data.published.baselineRatio), ratio(data.published.burstRatio), change(1 / data.published.baselineRatio - 1), change(1 / data.published.burstRatio - 1)]]);
  }
}
const formats = { 'aigrid-twin-comparison-1': comparison, 'aigrid-twin-burst-1': burst };
(formats[data.format] || report)();
