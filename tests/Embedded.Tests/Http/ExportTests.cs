// An export of more than fits in memory: it is read as its caller takes it.
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using NodaTime;
using Purser.Api;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

public sealed class ExportTests
{
    [Theory]
    [InlineData("csv")]
    [InlineData("json")]
    [InlineData("jsonl")]
    public async Task An_export_holds_a_page_and_waits_for_its_reader(string format)
    {
        await using var authority = new ObservedAuthority();
        var endless = new EndlessRecords(authority.Ledger);
        var options = new ServerOptions { Urls = "http://127.0.0.1:0" };
        await using var app = Server.Build(WebApplication.CreateSlimBuilder(), options, services => services
            .AddSingleton<IBudgetAuthority>(authority).AddSingleton<ISharedState>(authority.Ledger).AddSingleton<IEventFeed>(
                authority.Ledger).AddSingleton<IUsageQueries>(endless)
                .AddSingleton<IUsageHistories>(
                authority.Histories).AddSingleton(authority.Clock));
        await app.StartAsync();
        using var client = HttpHost.ClientOf(app);

        const int taken = 50_000_000;
        using var answer = await client.GetAsync($"/v1/export?format={format}", HttpCompletionOption.ResponseHeadersRead);
        // Open until the end: to a reader that has gone, an export goes on for a moment, and writes nothing any more.
        await using var stream = await answer.Content.ReadAsStreamAsync();
        await stream.ReadExactlyAsync(new byte[taken]);

        // Beyond what was taken there are a page, and what the connection buffers.
        Assert.InRange((long)endless.Given * EndlessRecords.Size, taken, taken + 40_000_000);
        // Records as large as these come a few at a time.
        Assert.InRange((long)endless.LastPage * EndlessRecords.Size, 1, 10_000_000);
    }

    /// <summary>Large records without an end, which count how many were given away.</summary>
    sealed class EndlessRecords(IUsageQueries others) : IUsageQueries
    {
        public const int Size = 200_000;

        static readonly string metadata = $$"""{"large":"{{new string('x', Size - 500)}}"}""";

        int given;
        int lastPage;

        public int Given => Volatile.Read(ref given);

        public int LastPage => Volatile.Read(ref lastPage);

        public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default)
        {
            Volatile.Write(ref lastPage, limit);
            var last = Interlocked.Add(ref given, limit);
            return Task.FromResult(new Page<AccountRecord>([.. Enumerable.Range(last - limit, limit).Select(RecordOf)], "on"));
        }

        static AccountRecord RecordOf(int no) => new("a", new()
        {
            Id = $"u{no}", At = Instant.FromUtc(2026, 3, 1, 10, 0), BookedAt = Instant.FromUtc(2026, 3, 1, 10, 0),
                Amounts = new(1, 1, 0, 0, 1),
            Usage = new() { InputTokens = 1, Metadata = metadata },
        });

        public Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default) =>
            others.AskAsync(questions, cancellation);

        public Task<Page<SessionUse>> SessionsAsync(string account, string? session, string? cursor, int limit,
            CancellationToken cancellation = default) => others.SessionsAsync(account, session, cursor, limit, cancellation);

        public Task<IReadOnlyList<string>> WaitingAsync(Instant until, int most, CancellationToken cancellation = default) =>
            others.WaitingAsync(until, most, cancellation);

        public Task<Page<AuditEntry>> HoldsAsync(string account, Instant from, Instant to, string? cursor, int limit,
            CancellationToken cancellation = default) => others.HoldsAsync(account, from, to, cursor, limit, cancellation);

        public Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default) =>
            others.AuditAsync(account, cursor, limit, cancellation);

        public Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default) => others.KeptSinceAsync(cancellation);

        public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default) =>
            others.AccountsAsync(search, cursor, limit, cancellation);
    }
}
