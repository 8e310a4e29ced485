// A small wallet behind express-idempotency, which keeps keys in memory:
//
//	npm install --ignore-scripts express-idempotency express@4
//	node server.js PORT
const express = require("express");
const { idempotency, getSharedIdempotencyService } = require("express-idempotency");

const app = express();
const bookings = [];
app.use(express.json());
app.post("/payments", idempotency(), async (req, res) => {
  const service = getSharedIdempotencyService();
  if (service.isHit(req)) return; // the middleware has answered
  if (!(req.body.cents > 0)) {
    service.reportError(req);
    return res.status(400).json({ error: "cents" });
  }
  await new Promise((done) => setTimeout(done, 20)); // other banks are slow
  const booking = { id: bookings.length + 1, ...req.body };
  bookings.push(booking);
  res.status(201).json({ id: booking.id, state: "done" });
});
app.get("/payments", (req, res) => {
  const from = Number(req.query.offset || 0);
  res.json(bookings.slice(from, from + 25));
});
app.listen(Number(process.argv[2]), "127.0.0.1");
