// Purser in this process, on any ledger.
using Purser.Core;
using Purser.Engine;

namespace Purser.Bench;

public sealed class PurserContender(string name, IStore ledger, Func<IEnumerable<int>>? servers = null, IDisposable? also = null)
    : IContender
{
    readonly EmbeddedAuthority authority = new(ledger);

    static readonly Estimate estimate = new()
    {
        InputTokens = Call.InputEstimate,
        MaxOutputTokens = Call.MaxOutput,
        Dimensions = new() { Provider = Call.Provider, Model = Call.Model, User = Call.User },
    };

    public string Name => name;

    public IEnumerable<int> Servers => servers?.Invoke() ?? [];

    public static Policy PolicyOf(long limitTokens) => new()
    {
        Limits =
        [
            new() { Id = "hourly", Unit = LimitUnit.Tokens, Window = new(WindowKind.Hour), Amount = limitTokens },
            new() { Id = "monthly", Unit = LimitUnit.Tokens, Window = new(WindowKind.Month), Amount = limitTokens },
        ],
    };

    public async Task PrepareAsync(IReadOnlyList<string> accounts, long limitTokens)
    {
        var policy = new SetPolicy(PolicyOf(limitTokens));
        foreach (var some in accounts.Chunk(500))
            foreach (var outcome in await Task.WhenAll(some.Select(account => authority.SendAsync(account, policy))))
                if (outcome.Status != OutcomeStatus.Done) throw new InvalidOperationException(outcome.ToString());
    }

    public async Task<bool> ReserveAsync(int caller, string account, string id)
    {
        var outcome = await authority.SendAsync(account, new Reserve(id, estimate));
        return outcome.Status switch
        {
            OutcomeStatus.Done => true,
            OutcomeStatus.Refused => false,
            _ => throw new InvalidOperationException(outcome.ToString()),
        };
    }

    public async Task SettleAsync(int caller, string account, string id)
    {
        var usage = new Usage { InputTokens = Call.Input, OutputTokens = Call.Output, DurationMs = Call.DurationMs };
        var outcome = await authority.SendAsync(account, new Settle(id, id, usage));
        if (outcome.Status != OutcomeStatus.Done) throw new InvalidOperationException(outcome.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await authority.DisposeAsync();
        await ledger.DisposeAsync();
        also?.Dispose();
    }
}
