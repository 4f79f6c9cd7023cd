// The embedded host in memory at a fixed time, which counts what reaches it and can be made to fail.
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Http;

sealed class ObservedAuthority : IBudgetAuthority, IAsyncDisposable
{
    readonly EmbeddedAuthority host;
    int asked;

    public ObservedAuthority()
    {
        Histories = new(Ledger);
        host = new(Ledger, Time, histories: Histories);
    }

    public ManualTime Time { get; } = new(new(2026, 3, 14, 15, 9, 26, 535, TimeSpan.Zero));

    public MemoryLedger Ledger { get; } = new();

    public EmbeddedHistories Histories { get; }

    public LedgerClock Clock => host.Clock;

    public Bell Written => host.Written;

    /// <summary>Every command fails with it.</summary>
    public Exception? Broken { get; set; }

    /// <summary>Every command has this answer, and is not done.</summary>
    public Outcome? Answer { get; set; }

    /// <summary>The first answer to several commands is lost, and they are asked for again, as it happens between silos.</summary>
    public bool LosesAnswers { get; set; }

    /// <summary>Awaited before each command that may change something, by its account.</summary>
    public Func<string, Task>? Before { get; set; }

    /// <summary>Commands that reached a budget: what was refused before is not among them.</summary>
    public int Asked => Volatile.Read(ref asked);

    public async Task<Outcome> SendAsync(string account, BudgetCommand command, CancellationToken cancellation = default)
    {
        if (Before is { } before && command is not GetStatus) await before(account);
        // Reading the status is what the host's own watch does too.
        if (command is not GetStatus) Interlocked.Increment(ref asked);
        return Broken is { } broken ? throw broken : Answer ?? await host.SendAsync(account, command, cancellation);
    }

    public async Task<IReadOnlyList<Outcome>> SendAllAsync(string account, IReadOnlyList<BudgetCommand> commands,
        CancellationToken cancellation = default)
    {
        Interlocked.Add(ref asked, commands.Count);
        if (Broken is { } broken) throw broken;
        if (LosesAnswers) await host.SendAllAsync(account, commands, cancellation);
        return await host.SendAllAsync(account, commands, cancellation);
    }

    public Task<Settings> SettingsAsync() => Broken is { } broken ? Task.FromException<Settings>(broken) : host.SettingsAsync();

    public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(long after, int most) => host.SettingsChangesAsync(after, most);

    public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(IReadOnlyCollection<string> subjects, int most) =>
        host.SettingsChangesAsync(subjects, most);

    public Task<SettingsEdited> EditSettingsAsync(SettingsEdit edit) => host.EditSettingsAsync(edit);

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await Histories.DisposeAsync();
    }
}
