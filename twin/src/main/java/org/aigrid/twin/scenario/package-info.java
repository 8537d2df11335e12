/// Scenario files: a country, what its people ask for, what happens, and how it is played, in TOML.
/// Starting point: `ScenarioFile`; `scenarios/island-evening.toml` is the annotated example.
@NullMarked
package org.aigrid.twin.scenario;

import org.jspecify.annotations.NullMarked;
