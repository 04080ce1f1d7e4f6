export const banner = await Promise.resolve("Orders\n");
