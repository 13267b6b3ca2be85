// The TypeScript SDK's client. ACESTEP_DRIVE names the package: version 2, or version 1, which
// most desktop applications embed.
import { createRequire } from "node:module";

const order = JSON.parse(process.env.ACESTEP_DRIVE);
const modern = order.package.endsWith("/client");
const at = (path) => import(modern ? `${order.package}${path}` : `${order.package}/client${path || "/index.js"}`);
const { Client } = await at("");
const { StdioClientTransport } = await at(modern ? "/stdio" : "/stdio.js");

const client = new Client({ name: "driver", version: "1" }, order.options);
const transport = new StdioClientTransport({ command: order.command, args: order.args, env: order.env });
await client.connect(transport);
const call = (name, args) => client.callTool({ name, arguments: args });
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const ordered = await call("generate_song", { ...order.song, wait: 0 });
const asked = { request_id: ordered.structuredContent.request_id, wait: 30 };
const done = await call("get_status", asked);
await client.close();

const about = createRequire(import.meta.url)(`${process.cwd()}/node_modules/${order.package}/package.json`);
console.log(JSON.stringify({
  tools: tools.sort(),
  urls: done.structuredContent.media_urls,
  versions: { [order.package]: about.version, node: process.versions.node },
}));
