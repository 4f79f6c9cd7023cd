// A receiver of OTLP on this machine, over HTTP and over gRPC: what exporters send is read with the library of Protocol Buffers, by the
// field numbers of opentelemetry-proto.
using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Purser.Conformance.Http;

/// <summary>A message of Protocol Buffers: its fields by number. Numbers are kept as they are, everything else as bytes.</summary>
public sealed class ProtoMessage
{
    readonly List<(int Field, ByteString Bytes, ulong Number)> fields = [];

    public ProtoMessage(ByteString bytes)
    {
        using var input = bytes.CreateCodedInput();
        while (input.ReadTag() is > 0 and var tag)
            fields.Add(WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.LengthDelimited => (WireFormat.GetTagFieldNumber(tag), input.ReadBytes(), 0),
                WireFormat.WireType.Fixed64 => (WireFormat.GetTagFieldNumber(tag), ByteString.Empty, input.ReadFixed64()),
                WireFormat.WireType.Fixed32 => (WireFormat.GetTagFieldNumber(tag), ByteString.Empty, input.ReadFixed32()),
                _ => (WireFormat.GetTagFieldNumber(tag), ByteString.Empty, input.ReadUInt64()),
            });
    }

    public IEnumerable<ProtoMessage> All(int field) => fields.Where(one => one.Field == field).Select(one => new ProtoMessage(one.Bytes));

    public ByteString Bytes(int field) => fields.FirstOrDefault(one => one.Field == field).Bytes ?? ByteString.Empty;

    public string Text(int field) => Bytes(field).ToString(Encoding.UTF8);

    public ulong Number(int field) => fields.FirstOrDefault(one => one.Field == field).Number;

    /// <summary>Attributes: repeated KeyValue, of which the texts are of interest here.</summary>
    public Dictionary<string, string> Attributes(int field) => All(field).GroupBy(one => one.Text(1), StringComparer.Ordinal).ToDictionary(
        group => group.Key, group => group.First().All(2).Select(value => value.Text(1)).FirstOrDefault() ?? "");
}

public sealed record ReceivedSpan(
    string Service, string Source, string Trace, string Id, string Parent, string Name, ulong Kind, Dictionary<string, string> Attributes,
    IReadOnlyList<string> Links);

public sealed record ReceivedLog(string Text, string Trace, Dictionary<string, string> Attributes);

public sealed class OtlpReceiver : IAsyncDisposable
{
    static readonly TimeSpan patience = Servers.ServerProcess.Patience;

    readonly WebApplication app;
    readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly ConcurrentQueue<ReceivedSpan> spans = new();
    readonly ConcurrentQueue<ReceivedLog> logs = new();
    readonly ConcurrentDictionary<string, bool> metrics = new(StringComparer.Ordinal);
    int asked;

    OtlpReceiver(WebApplication app, bool silent)
    {
        this.app = app;
        if (!silent) released.SetResult();
    }

    /// <summary>For `http/protobuf`.</summary>
    public string Http => app.Urls.First();

    /// <summary>For `grpc`.</summary>
    public string Grpc => app.Urls.Last();

    public IReadOnlyCollection<ReceivedSpan> Spans => spans;
    public IReadOnlyCollection<ReceivedLog> Logs => logs;
    public ICollection<string> Metrics => metrics.Keys;

    /// <summary>How many messages came, answered or not.</summary>
    public int Asked => Volatile.Read(ref asked);

    /// <summary><paramref name="silent"/>: it takes everything and never answers.</summary>
    public static async Task<OtlpReceiver> StartAsync(bool silent = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        var receiver = new OtlpReceiver(app, silent);
        app.MapPost("/v1/{signal}", receiver.TakeHttpAsync);
        app.MapPost("/opentelemetry.proto.collector.{signal}.v1.{service}/Export", receiver.TakeGrpcAsync);
        await app.StartAsync();
        return receiver;
    }

    async Task TakeHttpAsync(HttpContext http)
    {
        Assert.Equal("application/x-protobuf", http.Request.ContentType);
        Take((string)http.Request.RouteValues["signal"]!, await ReadAsync(http));
        await released.Task.WaitAsync(http.RequestAborted);
        http.Response.ContentType = "application/x-protobuf";
    }

    /// <summary>One message behind five bytes: whether it is packed, and its length.</summary>
    async Task TakeGrpcAsync(HttpContext http)
    {
        var framed = await ReadAsync(http);
        Take((string)http.Request.RouteValues["signal"]!, ByteString.CopyFrom(framed.Span[5..]));
        await released.Task.WaitAsync(http.RequestAborted);
        http.Response.ContentType = "application/grpc";
        http.Response.DeclareTrailer("grpc-status");
        await http.Response.Body.WriteAsync(new byte[5]);
        http.Response.AppendTrailer("grpc-status", "0");
    }

    async Task<ByteString> ReadAsync(HttpContext http)
    {
        Interlocked.Increment(ref asked);
        return await ByteString.FromStreamAsync(http.Request.Body);
    }

    void Take(string signal, ByteString bytes)
    {
        var message = new ProtoMessage(bytes);
        foreach (var resource in message.All(1))
        {
            var service = resource.All(1).First().Attributes(1).GetValueOrDefault("service.name", "");
            foreach (var scope in resource.All(2))
                foreach (var one in scope.All(2))
                    Take(signal, service, scope.All(1).Select(source => source.Text(1)).FirstOrDefault() ?? "", one);
        }
    }

    void Take(string signal, string service, string source, ProtoMessage one)
    {
        switch (signal)
        {
            case "trace" or "traces":
                spans.Enqueue(new(service, source, Hex(one.Bytes(1)), Hex(one.Bytes(2)), Hex(one.Bytes(4)), one.Text(5), one.Number(6),
                    one.Attributes(9), [.. one.All(13).Select(link => Hex(link.Bytes(1)))]));
                break;
            case "metrics": metrics[one.Text(1)] = true; break;
            case "logs": logs.Enqueue(new(one.All(5).First().Text(1), Hex(one.Bytes(9)), one.Attributes(6))); break;
        }
    }

    static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    /// <summary>Exporters send in their own time.</summary>
    public async Task UntilAsync(Func<OtlpReceiver, bool> holds, string what)
    {
        using var late = new CancellationTokenSource(patience);
        while (!holds(this))
        {
            Assert.False(late.IsCancellationRequested,
                $"{what}; received: {string.Join(", ", spans.Select(span => span.Name).Distinct())}; "
                + $"{metrics.Count} metrics, {logs.Count} logs");
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        released.TrySetResult();
        await app.DisposeAsync();
    }
}
