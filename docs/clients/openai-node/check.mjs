// The unmodified `openai` package against a running AI Grid: one line per check, exit code 1 when
// one fails.
//
//   OPENAI_BASE_URL   default http://127.0.0.1:8080/v1
//   OPENAI_API_KEY    a key of the grid, as `./grid up` prints it
//   GRID_MODEL        default: the first model of the list
//   GRID_LIMITED_KEY  a key whose rate limit a few requests exceed; without it 429 is not checked
import OpenAI from 'openai';

const baseURL = process.env.OPENAI_BASE_URL ?? 'http://127.0.0.1:8080/v1';
const apiKey = process.env.OPENAI_API_KEY;
if (!apiKey) {
  console.error('OPENAI_API_KEY is not set (expected: the key that ./grid up prints)');
  process.exit(2);
}
const client = new OpenAI({ baseURL, apiKey, timeout: 60_000 });

let failed = 0;

async function check(name, run) {
  const started = performance.now();
  try {
    const note = await run();
    const ms = Math.round(performance.now() - started);
    console.log(`ok    ${name} (${ms} ms)${note ? `: ${note}` : ''}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}: ${error.message}`);
  }
}

function expect(condition, what) {
  if (!condition) {
    throw new Error(what);
  }
}

// Runs a call that has to fail, and hands its error to `judge`.
async function expectError(call, type, judge) {
  try {
    await call();
  } catch (error) {
    expect(error instanceof type, `threw ${error.constructor.name}, not ${type.name}: ${error.message}`);
    return judge(error);
  }
  throw new Error(`did not fail (expected: ${type.name})`);
}

let model = process.env.GRID_MODEL;
const messages = [{ role: 'user', content: 'Name a bridge over Tokyo Bay.' }];

await check('models: list and retrieve', async () => {
  const list = await client.models.list();
  expect(list.data.length > 0, 'the list is empty');
  for (const entry of list.data) {
    expect(entry.object === 'model' && entry.id && entry.owned_by, `odd entry ${JSON.stringify(entry)}`);
    expect(Number.isInteger(entry.created), `created of ${entry.id} is ${entry.created}`);
  }
  model ??= list.data[0].id;
  const one = await client.models.retrieve(model);
  expect(one.id === model, `retrieved ${one.id}`);
  return `${list.data.length} models, using ${model}`;
});

await check('chat: one answer, with request id and site', async () => {
  const { data, response, request_id: id } = await client.chat.completions
    .create({ model, messages, max_tokens: 16 })
    .withResponse();
  expect(data.object === 'chat.completion', `object ${data.object}`);
  expect(data.choices[0].message.role === 'assistant', 'no assistant message');
  expect(data.choices[0].message.content.length > 0, 'empty content');
  expect(['stop', 'length'].includes(data.choices[0].finish_reason), data.choices[0].finish_reason);
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = data.usage;
  expect(prompt > 0 && completion > 0 && total === prompt + completion, JSON.stringify(data.usage));
  expect(id, 'no x-request-id');
  expect(response.headers.get('x-grid-site'), 'no x-grid-site');
  return `at ${response.headers.get('x-grid-site')}`;
});

async function readStream(body) {
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 16, stream: true, ...body });
  const seen = { text: '', roles: 0, finishes: 0, usages: 0, ids: new Set(), models: new Set(), chunks: 0, last: null };
  for await (const chunk of stream) {
    seen.chunks++;
    seen.ids.add(chunk.id);
    seen.models.add(chunk.model);
    seen.last = chunk;
    for (const choice of chunk.choices) {
      seen.text += choice.delta.content ?? '';
      seen.roles += choice.delta.role ? 1 : 0;
      seen.finishes += choice.finish_reason ? 1 : 0;
    }
    seen.usages += chunk.usage ? 1 : 0;
  }
  expect(seen.text.length > 0, 'no text');
  expect(seen.ids.size === 1 && seen.models.size === 1, 'id or model changed within the stream');
  expect(seen.roles === 1, `${seen.roles} role deltas (expected: 1)`);
  expect(seen.finishes === 1, `${seen.finishes} finish reasons (expected: 1)`);
  return seen;
}

await check('chat: streamed, with one usage chunk when asked for', async () => {
  const seen = await readStream({ stream_options: { include_usage: true } });
  expect(seen.usages === 1, `${seen.usages} usage chunks (expected: 1)`);
  expect(seen.last.choices.length === 0 && seen.last.usage, 'the usage chunk is not the last one');
  return `${seen.chunks} chunks`;
});

await check('chat: streamed, without usage when not asked for', async () => {
  const seen = await readStream({});
  expect(seen.usages === 0, `${seen.usages} usage chunks (expected: 0)`);
});

await check('chat: a stream that the reader leaves early', async () => {
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 512, stream: true });
  for await (const chunk of stream) {
    expect(chunk.id, 'chunk without id');
    break;
  }
  expect(stream.controller.signal.aborted, 'the SDK did not abort');
});

await check('chat: tools, images and unknown fields are accepted', async () => {
  const answer = await client.chat.completions.create({
    model,
    max_tokens: 16,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'How warm is it in Chiba?' }] },
    ],
    tools: [
      {
        type: 'function',
        function: {
          name: 'temperature',
          parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
        },
      },
    ],
    tool_choice: 'auto',
    logprobs: false,
    a_field_that_no_gateway_knows: { nested: [1, 2, 3] },
  });
  const message = answer.choices[0].message;
  for (const call of message.tool_calls ?? []) {
    JSON.parse(call.function.arguments);
  }
  expect(message.content || message.tool_calls?.length, 'neither content nor a tool call');
  return message.tool_calls?.length ? 'a tool call came back' : 'answered in words';
});

await check('completions: one answer', async () => {
  const answer = await client.completions.create({ model, prompt: 'Once upon a time', max_tokens: 8 });
  expect(answer.object === 'text_completion', `object ${answer.object}`);
  expect(answer.choices[0].text.length > 0, 'empty text');
});

await check('responses: one answer', async () => {
  const answer = await client.responses.create({ model, input: 'Say hello.', max_output_tokens: 32 });
  expect(answer.object === 'response', `object ${answer.object}`);
  expect(['completed', 'incomplete'].includes(answer.status), `status ${answer.status}`);
  expect(answer.output_text.length > 0, 'empty output_text');
  const { input_tokens_details: input, output_tokens_details: output } = answer.usage;
  expect(input && output, 'usage without its details objects');
});

await check('responses: streamed', async () => {
  const stream = await client.responses.create({ model, input: 'Say hello.', max_output_tokens: 32, stream: true });
  let text = '';
  let next = 0;
  let last = '';
  for await (const event of stream) {
    expect(event.sequence_number === next, `sequence_number ${event.sequence_number} (expected: ${next})`);
    next++;
    last = event.type;
    text += event.type === 'response.output_text.delta' ? event.delta : '';
  }
  expect(['response.completed', 'response.incomplete'].includes(last), `last event ${last}`);
  expect(text.length > 0, 'no text');
  return `${next} events`;
});

await check('embeddings: a model that has none gives an error that names the reason', async () =>
  expectError(
    () => client.embeddings.create({ model, input: 'bridge' }),
    OpenAI.APIError,
    (error) => {
      expect([400, 404].includes(error.status), `status ${error.status}`);
      expect(error.type && error.message, 'no type or message');
      return `${error.status} ${error.code}`;
    },
  ),
);

await check('401: a wrong key, not retried', async () => {
  let calls = 0;
  const stranger = new OpenAI({
    baseURL,
    apiKey: 'sk-of-nobody',
    fetch: (...request) => {
      calls++;
      return fetch(...request);
    },
  });
  return expectError(
    () => stranger.models.list(),
    OpenAI.AuthenticationError,
    (error) => {
      expect(error.code === 'invalid_api_key', `code ${error.code}`);
      expect(calls === 1, `${calls} calls (expected: 1)`);
      return error.code;
    },
  );
});

await check('404: an unknown model', async () =>
  expectError(
    () => client.chat.completions.create({ model: 'no-such-model', messages }),
    OpenAI.NotFoundError,
    (error) => {
      expect(error.code === 'model_not_found', `code ${error.code}`);
      return error.code;
    },
  ),
);

await check('400: a request without messages', async () =>
  expectError(
    () => client.chat.completions.create({ model }),
    OpenAI.BadRequestError,
    (error) => {
      expect(error.type === 'invalid_request_error', `type ${error.type}`);
      return error.message;
    },
  ),
);

const limitedKey = process.env.GRID_LIMITED_KEY;
if (limitedKey) {
  await check('429: a key over its rate limit says when to come back', async () => {
    const limited = new OpenAI({ baseURL, apiKey: limitedKey, maxRetries: 0 });
    return expectError(
      async () => {
        for (let i = 0; i < 100; i++) {
          await limited.chat.completions.create({ model, messages, max_tokens: 1 });
        }
      },
      OpenAI.RateLimitError,
      (error) => {
        expect(error.code === 'rate_limit_exceeded', `code ${error.code}`);
        const wait = error.headers.get('retry-after');
        expect(/^[0-9]+$/.test(wait ?? ''), `retry-after ${wait} (expected: whole seconds)`);
        return `retry after ${wait} s`;
      },
    );
  });
} else {
  console.log('--    429: not checked, GRID_LIMITED_KEY is not set');
}

console.log(failed === 0 ? 'All checks passed.' : `${failed} checks failed.`);
process.exit(failed === 0 ? 0 : 1);
