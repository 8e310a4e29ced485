# Payment server with one mistake, by MODE. Usage: bank.py PORT DIR MODE
import sys, json, sqlite3, time, threading, hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
port, dir, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
L = threading.Lock(); mem = [{}, {}]; turn = [0]; lock_mem = {}
db = sqlite3.connect(dir + '/b.db', check_same_thread=False, isolation_level=None)
db.execute('create table if not exists p(id integer primary key, k, o, a, payer, payee)')
db.execute('create %s table if not exists ik(k primary key, t, st, body)' % ('temp' if mode == 'memory' else ''))
def book(b, k):
    with L: db.execute('insert into p(k,o,a,payer,payee) values(?,?,?,?,?)', (k, b['order'], b['amount'], b['payer'], b['payee']))
class H(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'; wbufsize = -1                                          # an answer is one write: a reset cannot come inside it
    def log_message(self, *a): pass
    def out(self, st, o):
        b = json.dumps(o).encode(); self.send_response(st); self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(b))); self.end_headers(); self.wfile.write(b); self.wfile.flush()
    def do_GET(self): self.out(200, {})
    def do_POST(self):
        b = json.loads(self.rfile.read(int(self.headers['Content-Length']))); k = self.headers.get('Idempotency-Key')
        if mode == 'hash-all': k = hashlib.sha256(json.dumps(b).encode()).hexdigest()      # volatile field in the hash
        if mode == 'worker-cache':                                                         # each worker its own cache
            with L: turn[0] ^= 1; m = mem[turn[0]]
            if k in m: return self.out(201, m[k])
            book(b, k); time.sleep(.2); m[k] = {'ok': 1}; return self.out(201, {'ok': 1})
        with L:
            row = db.execute('select t,st,body from ik where k=?', (k,)).fetchone()
            if row and mode == 'ttl' and time.time() - row[0] > 0.5: db.execute('delete from ik where k=?', (k,)); row = None
            if not row and mode != 'check-then-act': db.execute('insert into ik values(?,?,?,?)', (k, time.time(), 0, ''))
        if row:
            if row[1] == 0: return self.out(409, {'e': 'in progress'})
            return self.out(row[1], json.loads(row[2]) if row[2] else {})
        if mode == 'cache-error' and db.execute('select count(*) from p').fetchone()[0] == 0 and not lock_mem.get(k):
            lock_mem[k] = 1; book(b, k); res = (500, {'e': 'receipt printer'})              # booked, then failed: 500 kept
        else: book(b, k); time.sleep(.2); res = (201, {'ok': 1})
        if mode == 'empty-replay': keep = (res[0], '')                                     # status kept, body not
        else: keep = (res[0], json.dumps(res[1]))
        if mode != 'lock-leak' or True:
            try:
                if mode == 'store-after-send': self.out(*res)                              # key stored only once the answer is sent
                with L: db.execute('insert or replace into ik values(?,?,?,?)', (k, time.time(), *keep))
                if mode != 'store-after-send': self.out(*res)
            except (BrokenPipeError, ConnectionResetError): pass
ThreadingHTTPServer(('127.0.0.1', port), H).serve_forever()
