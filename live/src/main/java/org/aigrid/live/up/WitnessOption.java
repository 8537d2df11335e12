package org.aigrid.live.up;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.TrustPolicy;

/// A witness as the command line names it: `URL=VKEY`, its submission prefix and one of its keys.
final class WitnessOption {
  // A vkey is NAME+HEX8+BASE64; base64 ends in '=', so the border is the '=' before the name.
  private static final Pattern FORM =
      Pattern.compile("(\\S+?)=([^\\s=]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]+=*)");

  private WitnessOption() {}

  static List<TrustPolicy.Witness> parse(List<String> options) {
    var witnesses = new ArrayList<TrustPolicy.Witness>();
    for (String option : options) {
      Matcher parts = FORM.matcher(option);
      if (!parts.matches()) {
        throw new CommandFailure(
            "--witness '"
                + option
                + "' (expected: URL=VKEY, as ./grid audit witness prints it:"
                + " https://witness.example=witness.example+1a2b3c4d+BA...)");
      }
      NoteKey key = key("--witness", parts.group(2));
      witnesses.add(new TrustPolicy.Witness(key.name(), key, parts.group(1)));
    }
    return witnesses;
  }

  /// The key of a witness.
  static NoteKey key(String option, String vkey) {
    try {
      NoteKey key = NoteKey.parse(vkey);
      if (!key.type().timed()) {
        throw new FormatException("it is the key of a log (expected: a witness's, type 4 or 6)");
      }
      return key;
    } catch (FormatException e) {
      throw new CommandFailure(option + " '" + vkey + "': " + e.getMessage());
    }
  }
}
