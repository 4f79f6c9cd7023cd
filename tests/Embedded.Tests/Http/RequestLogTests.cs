// Which requests leave a line in the log: those that took long, and those that were refused; and only where somebody asked for such lines.
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Api;
using Purser.Conformance;

namespace Purser.Embedded.Tests.Http;

public sealed class RequestLogTests
{
    [Theory]
    [InlineData(LogLevel.Information, 200, 999, null)]
    [InlineData(LogLevel.Information, 200, 1000, "slow: GET (no such route) of a answered 200 after 1000 ms (trace ")]
    [InlineData(LogLevel.Information, 429, 1, "refused: GET (no such route) of a with 429  after 1 ms: (null) (trace ")]
    [InlineData(LogLevel.Information, 503, 1500, "refused: GET (no such route) of a with 503  after 1500 ms: (null) (trace ")]
    [InlineData(LogLevel.Warning, 200, 5000, null)]
    [InlineData(LogLevel.Warning, 429, 1, null)]
    public async Task A_line_for_each_that_was_refused_or_took_long(LogLevel level, int status, int milliseconds, string? line)
    {
        var (time, lines) = (new ManualTime(), new Lines(level));
        var http = new DefaultHttpContext { Request = { Method = "GET", RouteValues = { ["account"] = "a" }, QueryString = new("?q=secret") } };
        await new RequestLog(request =>
        {
            time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            request.Response.StatusCode = status;
            return Task.CompletedTask;
        }, lines, time).InvokeAsync(http);
        if (line is null) Assert.Empty(lines.Written);
        else Assert.StartsWith(line, Assert.Single(lines.Written), StringComparison.Ordinal);
    }

    sealed class Lines(LogLevel from) : ILogger<RequestLog>
    {
        public List<string> Written { get; } = [];

        public bool IsEnabled(LogLevel logLevel) => logLevel >= from;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => Written.Add(formatter(state, exception));
    }
}
