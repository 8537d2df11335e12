package org.aigrid.twin.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.JsonNode;

/// One HTML file with everything in it: the numbers, the plots, no address outside.
public final class Page {
  private Page() {}

  /// The page of a report, or of a comparison.
  public static String of(JsonNode report) {
    // "<" as an escape: a name in the data can then not end the script.
    String data = report.toString().replace("<", "\\u003c");
    return resource("page.html")
        .replace("/*STYLE*/", resource("page.css"))
        .replace("/*SCRIPT*/", resource("page.js"))
        .replace("/*DATA*/", data);
  }

  private static String resource(String name) {
    try (InputStream in = Page.class.getResourceAsStream("/report/" + name)) {
      if (in == null) {
        throw new IllegalStateException("resource /report/" + name + " is missing");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException unreadable) {
      throw new IllegalStateException("resource /report/" + name + " cannot be read", unreadable);
    }
  }
}
