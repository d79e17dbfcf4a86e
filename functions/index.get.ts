// Tells clients that they have found the API.
import { http, PlainText } from "#runtime/define.ts";

export default http({
  summary: "Say what this is",
  access: "anyone",
  run: () => new PlainText("Shaken Fist REST API service"),
  answer: PlainText,
});
