"use strict";
// Who called: a Lambda event or a request's headers in, a caller out, null when nobody vouched for it; see caller.py.
const { CallerNotVouchedError } = require("./errors.js");

const HEADER = "x-klotho-caller";
// What a container on Lambda is told by: AWS's adapter puts the event's `requestContext` there in every request.
const CONTEXT = "x-amzn-request-context";

class Caller {
  constructor(by, claims, context) {
    this.by = by;
    this.claims = claims;
    this.context = context;
    Object.freeze(this);
  }

  get subject() {
    return this.claims.sub ? String(this.claims.sub) : "";
  }

  get email() {
    return typeof this.claims.email === "string" ? this.claims.email : undefined;
  }

  get scopes() {
    return listed(this.claims.scope || this.claims.scp);
  }

  get groups() {
    return listed(this.claims["cognito:groups"]);
  }
}

/** A list, or the text `[a b]` or `a b` that API Gateway makes of one. */
function listed(value) {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== "string") return [];
  const inner = value.startsWith("[") && value.endsWith("]") ? value.slice(1, -1) : value;
  return inner.split(/\s+/).filter(Boolean);
}

function ofEvent(authorizer) {
  if (!authorizer || typeof authorizer !== "object") return null;
  if (authorizer.jwt) return new Caller("jwt", authorizer.jwt.claims || {}, {});
  if ("lambda" in authorizer) return new Caller("function", {}, authorizer.lambda || {});
  return null;
}

/** What the API says in the context that the adapter hands on. */
function authorizerIn(context) {
  try {
    const found = context.length === 1 ? JSON.parse(context[0]) : null;
    return found && typeof found === "object" ? found.authorizer : null;
  } catch {
    return null;
  }
}

/** The claims of the token that the API has checked; null for what is no token. */
function claimsOf(authorization) {
  const parts = authorization.length === 1 ? authorization[0].trim().split(/\s+/).pop().split(".") : [];
  if (parts.length !== 3) return null;
  try {
    const claims = JSON.parse(Buffer.from(parts[1], "base64url").toString("utf8"));
    return claims !== null && typeof claims === "object" && !Array.isArray(claims) ? claims : null;
  } catch {
    return null; // not JSON: no token
  }
}

/** Whether an API vouches for callers; throws where others could say the same. */
function vouched() {
  const told = process.env.KLOTHO_CALLER || "";
  if (told.startsWith("also:")) {
    const unit = process.env.KLOTHO_UNIT || "this service";
    const others = told.slice("also:".length).split(",").join(", ");
    throw new CallerNotVouchedError(
      `nobody can say who called ${unit}: ${others} can reach it without the API that checks tokens, and could say ` +
        "anything. Check the token in the code, or give those callers a service of their own",
    );
  }
  return told === "api" || told === "adapter";
}

function callerOf(request) {
  if (request === null || typeof request !== "object") {
    throw new TypeError("config.caller takes a Lambda event or a request's headers");
  }
  if (!vouched()) return null;
  if (request.requestContext) return ofEvent(request.requestContext.authorizer);
  const pairs = typeof request.entries === "function" ? [...request.entries()] : Object.entries(request);
  const values = (wanted) =>
    pairs.filter(([name]) => String(name).toLowerCase() === wanted).flatMap(([, value]) => [value].flat().map(String));
  if (process.env.KLOTHO_CALLER === "adapter") return ofEvent(authorizerIn(values(CONTEXT)));
  const said = values(HEADER);
  if (said.length !== 1) return null;
  if (said[0] === "function") return new Caller("function", {}, {});
  if (said[0] !== "jwt") return null;
  const claims = claimsOf(values("authorization"));
  return claims && new Caller("jwt", claims, {});
}

module.exports = { callerOf };
