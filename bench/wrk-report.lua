-- What wrk found, as one line of JSON; times in microseconds.
function done(summary, latency)
  io.write(string.format('{"requests":%d,"seconds":%f,"p50_us":%d,"p99_us":%d,"wrong":%d,"bytes":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.read + summary.errors.connect + summary.errors.write + summary.errors.timeout,
    summary.bytes))
end
