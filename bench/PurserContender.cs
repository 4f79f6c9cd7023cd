// Purser in this process, on any ledger.
using Purser.Core;
using Purser.Engine;

namespace Purser.Bench;

public sealed class PurserContender(string name, ILedger ledger) : IContender
{
    readonly EmbeddedAuthority authority = new(ledger);
    readonly string run = Guid.NewGuid().ToString("N")[..8];

    public string Name => name;

    public async Task PrepareAsync(int accounts, long limitTokens)
    {
        var policy = new Policy
        {
            Limits =
            [
                new() { Id = "hourly", Unit = LimitUnit.Tokens, Window = new(WindowKind.Hour), Amount = limitTokens },
                new() { Id = "monthly", Unit = LimitUnit.Tokens, Window = new(WindowKind.Month), Amount = limitTokens },
            ],
        };
        for (var account = 0; account < accounts; account += 500)
            await Task.WhenAll(Enumerable.Range(account, Math.Min(500, accounts - account)).Select(one => authority.SendAsync($"{run}-{one}", new SetPolicy(policy))));
    }

    public async Task<bool> LifecycleAsync(int account, long number)
    {
        var (name, id) = ($"{run}-{account}", $"c{number}");
        var dimensions = new Dimensions { Provider = "openai", Model = "gpt-4o-mini", User = "bench" };
        var reserved = await authority.SendAsync(name, new Reserve(id, new() { InputTokens = 300, MaxOutputTokens = 100, Dimensions = dimensions }));
        if (reserved.Status == OutcomeStatus.Refused) return false;
        if (reserved.Status != OutcomeStatus.Done) throw new InvalidOperationException(reserved.ToString());
        var settled = await authority.SendAsync(name, new Settle(id, id, new() { InputTokens = 290, OutputTokens = 60, DurationMs = 800 }));
        return settled.Status == OutcomeStatus.Done ? true : throw new InvalidOperationException(settled.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await authority.DisposeAsync();
        await ledger.DisposeAsync();
    }
}
