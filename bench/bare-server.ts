// The floor for reads: hyper-express that sends so many bytes and does nothing else. `bare-server.ts <port> <bytes>`.
import HyperExpress from "hyper-express";

const [port = "0", bytes = "0"] = process.argv.slice(2);
const body = Buffer.alloc(Number(bytes), "x");
const server = new HyperExpress.Server();
server.any("/*", (_request, response) => response.header("Content-Type", "application/json").send(body));
await server.listen(Number(port));
console.log("listening");
