// A batch of any length takes the memory of a few windows of its lines: it is not read further than it is answered.
using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Purser.Api.Access;
using Purser.Api.Endpoints;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Http;

public sealed class BatchMemoryTests
{
    const int Lines = 100_000;
    const int Accounts = 200;

    /// <summary>One window is read while two others are decided, of 1,000 lines each; the rest is what the pipes of this test hold.
    /// </summary>
    const int MostAhead = 5_000;

    sealed class RequestBody(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }

    /// <summary>A response that has started once something was written.</summary>
    sealed class Response(PipeWriter writer) : HttpResponseFeature, IHttpResponseBodyFeature
    {
        bool isStarted;

        public override bool HasStarted => isStarted;

        public PipeWriter Writer
        {
            get
            {
                isStarted = true;
                return writer;
            }
        }

        public Stream Stream => writer.AsStream();

        public void DisableBuffering()
        {
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task CompleteAsync() => Task.CompletedTask;
    }

    [Fact]
    public async Task A_hundred_thousand_lines_are_never_read_far_ahead_of_their_answers()
    {
        // Pipes as small as a server's, so that who writes waits for who reads.
        var (body, answers) = (new Pipe(new(pauseWriterThreshold: 65536)), new Pipe(new(pauseWriterThreshold: 65536)));
        await using var ledger = new MemoryLedger();
        await using var authority = new EmbeddedAuthority(ledger);
        var response = new Response(answers.Writer);
        var http = new DefaultHttpContext();
        http.Features.Set<IRequestBodyPipeFeature>(new RequestBody(body.Reader));
        http.Features.Set<IHttpResponseFeature>(response);
        http.Features.Set<IHttpResponseBodyFeature>(response);
        http.Features.Set(Caller.Everybody);

        var (sent, most) = (0, 0);
        var running = RunAsync();
        var sending = SendAsync();
        var answered = 0;
        using (var reader = new StreamReader(answers.Reader.AsStream(), Encoding.UTF8))
            while (await reader.ReadLineAsync() is { } line)
            {
                Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $$"""{"line":{{++answered}},"status":201,"""), line,
                    StringComparison.Ordinal);
                most = Math.Max(most, Volatile.Read(ref sent) - answered);
            }
        await Task.WhenAll(running, sending);
        Assert.Equal(Lines, answered);
        Assert.True(most <= MostAhead, $"{most} lines were sent and not answered");

        async Task RunAsync()
        {
            try
            {
                await new BatchEndpoints(authority).Run(http);
            }
            finally
            {
                await answers.Writer.CompleteAsync();
                await body.Reader.CompleteAsync();
            }
        }

        async Task SendAsync()
        {
            for (var i = 0; i < Lines; i++)
            {
                body.Writer.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
                    $$$"""{"operation":"recordUsage","account":"a{{{i % Accounts}}}","body":{"id":"u{{{i}}}","inputTokens":1}}""") + "\n"));
                Volatile.Write(ref sent, i + 1);
                await body.Writer.FlushAsync();
            }
            await body.Writer.CompleteAsync();
        }
    }
}
