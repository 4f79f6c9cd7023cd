// Traces are made as long as their receiver takes them, and one in a while where it does not.
using System.Net;
using Purser.Api.Telemetry;
using Purser.Conformance;

namespace Purser.Embedded.Tests.Hosts;

public sealed class ReceiverWatchTests : IDisposable
{
    readonly ManualTime time = new();
    readonly Receiver receiver = new();
    readonly ReceiverWatch watch;
    readonly HttpClient client;

    public ReceiverWatchTests()
    {
        watch = new(time);
        client = watch.ClientOf(TimeSpan.FromSeconds(10), receiver);
    }

    public void Dispose()
    {
        client.Dispose();
        receiver.Dispose();
    }

    /// <summary>Answers when a test says so.</summary>
    sealed class Receiver : HttpMessageHandler
    {
        public TaskCompletionSource<HttpResponseMessage> Answer { get; set; } = new();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Answer.Task;

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Answer.Task.GetAwaiter().GetResult();
    }

    Task<HttpResponseMessage> SendAsync()
    {
        receiver.Answer = new();
        return client.PostAsync(new Uri("http://receiver.test/v1/traces"), new ByteArrayContent([1]));
    }

    /// <summary>How many of a hundred calls in ten seconds are traced.</summary>
    int Traced() => Enumerable.Range(0, 100).Count(_ =>
    {
        time.Advance(TimeSpan.FromMilliseconds(100));
        return watch.TakesTraces();
    });

    [Fact]
    public async Task Everything_is_traced_while_the_receiver_answers_and_little_while_it_does_not()
    {
        Assert.Equal(100, Traced());
        var sent = SendAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(watch.TakesTraces());
        // Two seconds without an answer: one in a second.
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(Traced(), 9, 11);
        // A late answer is one.
        receiver.Answer.SetResult(new(HttpStatusCode.OK));
        await sent;
        Assert.Equal(100, Traced());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_receiver_that_refuses_or_is_away_is_tried_again_until_it_takes_something(bool isAway)
    {
        var sent = SendAsync();
        if (isAway) receiver.Answer.SetException(new HttpRequestException("nobody listens"));
        else receiver.Answer.SetResult(new(HttpStatusCode.ServiceUnavailable));
        await Task.WhenAny(sent);
        Assert.InRange(Traced(), 9, 11);
        sent = SendAsync();
        Assert.InRange(Traced(), 9, 11);
        receiver.Answer.SetResult(new(HttpStatusCode.OK));
        await sent;
        Assert.Equal(100, Traced());
    }

    /// <summary>Exporters send from threads of their own, and wait there.</summary>
    [Fact]
    public void What_is_sent_and_waited_for_counts_as_well()
    {
        receiver.Answer.SetException(new HttpRequestException("nobody listens"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://receiver.test/v1/traces");
        Assert.Throws<HttpRequestException>(() => client.Send(request));
        Assert.InRange(Traced(), 9, 11);
        receiver.Answer = new();
        receiver.Answer.SetResult(new(HttpStatusCode.OK));
        using var again = new HttpRequestMessage(HttpMethod.Post, "http://receiver.test/v1/traces");
        client.Send(again).Dispose();
        Assert.Equal(100, Traced());
    }
}
