// Seals on a schedule: when they are due, that they are whole, and what becomes of one that can not be made.
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Api;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Operations;

public sealed class SealWatchTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly ManualTime time = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_seal_is_made_when_the_last_one_is_old_enough_whichever_host_made_it()
    {
        await using var ledger = new MemoryLedger();
        await using var authority = new EmbeddedAuthority(ledger, time);
        await authority.SendAsync("a", new Pause("why", "ann"));
        var (one, other) = (Watch(ledger, "seals"), Watch(ledger, "seals"));

        var first = await one.LookAsync(default);
        Assert.Equal("seal-2026-03-02T09-00-00Z.jsonl", Path.GetFileName(first));
        Assert.Null(await other.LookAsync(default));
        time.Advance(TimeSpan.FromHours(5));
        Assert.Null(await one.LookAsync(default));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal("seal-2026-03-02T15-00-00Z.jsonl", Path.GetFileName(await other.LookAsync(default)));
        Assert.Null(await one.LookAsync(default));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(folder.Path, "seals")).Length);

        using var key = AuditKey.Load(Path.Combine(folder.Path, "audit.pem"));
        await using var file = File.OpenRead(first!);
        Assert.Equal(["a"], (await AuditSeal.ReadAsync(file, key)).Heads.Keys);
    }

    [Fact]
    public async Task One_that_can_not_be_made_is_tried_again_in_an_hour_and_leaves_no_part()
    {
        await using var ledger = new MemoryLedger();
        var watch = Watch(ledger, "seals");
        Directory.Delete(Path.Combine(folder.Path, "seals"));
        Assert.Null(await watch.LookAsync(default));
        Directory.CreateDirectory(Path.Combine(folder.Path, "seals"));
        Assert.Null(await watch.LookAsync(default));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(await watch.LookAsync(default), Assert.Single(Directory.GetFiles(Path.Combine(folder.Path, "seals"))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    public async Task Hosts_that_seal_beside_each_other_make_one_seal_and_no_error(int secondsLater)
    {
        await using var ledger = new MemoryLedger();
        await using var authority = new EmbeddedAuthority(ledger, time);
        await authority.SendAsync("a", new Pause("why", "ann"));
        var errors = new Errors();
        var goesOn = new TaskCompletionSource();
        var slow = Watch(new FaultyLedger(ledger) { BeforeAccounts = () => goesOn.Task }, "seals", errors).LookAsync(default);
        time.Advance(TimeSpan.FromSeconds(secondsLater));
        var made = await Watch(ledger, "seals", errors).LookAsync(default);
        goesOn.SetResult();
        Assert.Null(await slow);
        Assert.Empty(errors);
        Assert.Equal(made, Assert.Single(Directory.GetFiles(Path.Combine(folder.Path, "seals"))));
        using var key = AuditKey.Load(Path.Combine(folder.Path, "audit.pem"));
        await using var file = File.OpenRead(made!);
        Assert.Equal(["a"], (await AuditSeal.ReadAsync(file, key)).Heads.Keys);
    }

    sealed class Errors : List<string>, ILogger<SealWatch>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Warning) Add(formatter(state, exception));
        }
    }

    SealWatch Watch(IUsageQueries ledger, string into, ILogger<SealWatch>? log = null)
    {
        var (key, seals) = (Path.Combine(folder.Path, "audit.pem"), Path.Combine(folder.Path, into));
        Directory.CreateDirectory(seals);
        if (!File.Exists(key))
        {
            using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            File.WriteAllText(key, pair.ExportECPrivateKeyPem());
        }
        return new(ledger, new() { AuditKey = key, AuditSeals = seals, AuditSealHours = 6 }, new LedgerClock(time),
            log ?? NullLogger<SealWatch>.Instance);
    }
}
