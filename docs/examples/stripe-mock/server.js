// stripe-stateful-mock behaves like Stripe's API and keeps everything in memory:
//
//	npm install --ignore-scripts stripe-stateful-mock
//	node server.js PORT
const http = require("http");
const app = require("stripe-stateful-mock").createExpressApp();
http.createServer(app).listen(Number(process.argv[2]), "127.0.0.1");
