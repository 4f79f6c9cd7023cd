// Whether the receiver of traces takes what it is sent. While it does not, spans would only be made to be dropped: then one call in a while
// is traced, by which it is noticed when the receiver is back.
namespace Purser.Api.Telemetry;

sealed class ReceiverWatch(TimeProvider time)
{
    /// <summary>A receiver that has not answered within this does not take what it is sent, as things stand.</summary>
    static readonly TimeSpan patience = TimeSpan.FromSeconds(2);

    static readonly TimeSpan betweenTries = TimeSpan.FromSeconds(1);

    /// <summary>When was sent what is not answered yet; zero where all is answered.</summary>
    long sentAt;
    long triedAt = time.GetTimestamp();
    volatile bool failed;

    /// <summary>Whether a call that comes now is to be traced.</summary>
    public bool TakesTraces()
    {
        var sent = Volatile.Read(ref sentAt);
        if (!failed && (sent == 0 || time.GetElapsedTime(sent) < patience)) return true;
        var before = Volatile.Read(ref triedAt);
        return time.GetElapsedTime(before) >= betweenTries
            && Interlocked.CompareExchange(ref triedAt, time.GetTimestamp(), before) == before;
    }

    /// <summary>A client that sends as the exporter's own does, and is looked at while it does.</summary>
    public HttpClient ClientOf(TimeSpan timeout, HttpMessageHandler? way = null) =>
        new(new Watched(this) { InnerHandler = way ?? new HttpClientHandler() }) { Timeout = timeout };

    void Begin() => Volatile.Write(ref sentAt, time.GetTimestamp());

    void End(bool taken)
    {
        failed = !taken;
        Volatile.Write(ref sentAt, 0);
    }

    sealed class Watched(ReceiverWatch watch) : DelegatingHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            watch.Begin();
            var taken = false;
            try
            {
                var answer = base.Send(request, cancellationToken);
                taken = answer.IsSuccessStatusCode;
                return answer;
            }
            finally
            {
                watch.End(taken);
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            watch.Begin();
            var taken = false;
            try
            {
                var answer = await base.SendAsync(request, cancellationToken);
                taken = answer.IsSuccessStatusCode;
                return answer;
            }
            finally
            {
                watch.End(taken);
            }
        }
    }
}
