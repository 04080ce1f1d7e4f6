// Today's discount, for the API and for `pricing`.
const PERCENT = { today: 10, friends: 25 };

export const handler = async (event) => {
  const { code } = event.pathParameters;
  const percent = PERCENT[code];
  return {
    statusCode: percent === undefined ? 404 : 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(percent === undefined ? { message: "no such discount" } : { code, percent }),
  };
};
