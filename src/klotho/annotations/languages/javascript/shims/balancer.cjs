"use strict";
// A load balancer's event as an API's, and the answer as a load balancer takes it: without a list of cookies.

module.exports = async function throughBalancer(event, handler) {
  const query = Object.entries(event.queryStringParameters ?? {}).map(([name, value]) => (value ? `${name}=${value}` : name));
  const answer = await handler({
    rawPath: decoded(event.path),
    rawQueryString: query.join("&"),
    headers: event.headers,
    requestContext: { http: { method: event.httpMethod } },
    body: event.body,
    isBase64Encoded: event.isBase64Encoded,
  });
  const { cookies = [], ...rest } = answer;
  if (cookies.length > 1) throw new Error("an answer through a load balancer can set one cookie, and this one sets several");
  return cookies.length > 0 ? { ...rest, headers: { ...rest.headers, "set-cookie": cookies[0] } } : rest;
};

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
