// The client is made from what the host says of itself; every answer is checked against it by zod.
export default {
  input: `${process.env.PURSER_URL ?? 'http://127.0.0.1:8080'}/openapi/v1.json`,
  output: { path: 'client', module: { extension: '.js' } },
  plugins: ['@hey-api/typescript', '@hey-api/client-fetch', 'zod', { name: '@hey-api/sdk', validator: true }],
};
