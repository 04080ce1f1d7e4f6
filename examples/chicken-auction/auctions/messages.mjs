// HTTP messages of an API Gateway HTTP API (payload format 2.0) as JSON.

/** What to tell the caller instead of an answer. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The request's JSON object; Problem 400 for anything else. */
export function bodyOf(event) {
  let body;
  try {
    const text = event.body ?? "";
    body = JSON.parse(event.isBase64Encoded ? Buffer.from(text, "base64").toString() : text);
  } catch {
    throw new Problem(400, "the body is not JSON");
  }
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    throw new Problem(400, "the body is not a JSON object");
  }
  return body;
}

export function answer(statusCode, body) {
  if (body === undefined) return { statusCode };
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
