// Settles the holds of calls, and tries again for as long as the ledger can not be reached. Where the process ends before that, the hold
// stays and ends by its own rule of expiry.
using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Purser.Core;
using Purser.Engine;

namespace Purser.Gate;

public sealed class Settlements(IBudgetAuthority authority, TimeProvider time, ILogger<Settlements> log) : IHostedService
{
    static readonly TimeSpan first = TimeSpan.FromMilliseconds(50), longest = TimeSpan.FromSeconds(5), patience = TimeSpan.FromMinutes(15);

    /// <summary>How long the end of an answer waits for its settlement, so that the client's next call sees it booked.</summary>
    static readonly TimeSpan shown = TimeSpan.FromSeconds(2);

    readonly ConcurrentDictionary<Task, bool> running = new();

    /// <summary>Starts a settlement or a release, and waits for it a little; it goes on behind that.</summary>
    public async Task RunAsync(string account, BudgetCommand command)
    {
        var task = Start(account, command);
        if (!task.IsCompleted) await Task.WhenAny(task, Task.Delay(shown, time));
    }

    /// <summary>Starts a settlement or a release; it goes on whether somebody waits for it or not.</summary>
    public Task Start(string account, BudgetCommand command)
    {
        var task = EndAsync(account, command);
        if (task.IsCompleted) return task;
        running[task] = true;
        _ = task.ContinueWith(done => running.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return task;
    }

    async Task EndAsync(string account, BudgetCommand command)
    {
        try
        {
            var outcome = await SendAsync(account, command);
            if (outcome.Status == OutcomeStatus.Done || command is not Settle settle) return;
            switch (outcome.Status)
            {
                // The hold ran out, or somebody else was in doubt before: it is charged in full, and what is in doubt with it.
                case OutcomeStatus.Conflict or OutcomeStatus.IdempotencyMismatch
                    when settle.Unknown && await ChargedAsync(account, settle) is { } charged:
                    if (settle.Usage.InputTokens + settle.Usage.OutputTokens > charged.Tokens)
                        await EndAsync(account, settle with { Id = IdBeside(settle.Id), Unknown = false });
                    return;
                // Somebody else settled the hold, or nobody knows it: the call was made all the same.
                case OutcomeStatus.Conflict or OutcomeStatus.NotFound or OutcomeStatus.IdempotencyMismatch:
                    outcome = await SendAsync(account, Beside(settle.Id, settle.Usage));
                    break;
                // What can not be booked as it is leaves its hold to be charged when it runs out.
                default:
                    outcome = await SendAsync(account, new RefuseSettle(settle.ReservationId, outcome.Field, outcome.Detail));
                    break;
            }
            if (outcome.Status != OutcomeStatus.Done && outcome.Status != OutcomeStatus.Invalid)
                log.LogWarning("{Account}: reservation {Reservation} could not be settled ({Status}: {Detail}); it ends by its own rule",
                    account, settle.ReservationId, outcome.Status, outcome.Detail);
        }
        catch (Exception fault)
        {
            log.LogError(fault, "{Account}: a call was not settled; its reservation ends by its own rule", account);
        }
    }

    /// <summary>What can not be settled with a hold, booked on its own.</summary>
    internal static Record Beside(string settlement, Usage usage) => new(IdBeside(settlement), usage) { FreshId = false };

    static string IdBeside(string settlement) => $"gate:{settlement}";

    /// <summary>The hold of a settlement, where it stands charged in doubt.</summary>
    async Task<ReservationView?> ChargedAsync(string account, Settle settle) =>
        (await SendAsync(account, new GetReservation(settle.ReservationId))).Answer
            is ReservationView { State: ReservationState.Charged } hold ? hold : null;

    async Task<Outcome> SendAsync(string account, BudgetCommand command)
    {
        var began = time.GetTimestamp();
        for (var wait = first; ; wait = wait * 2 < longest ? wait * 2 : longest)
        {
            var outcome = await authority.SendAsync(account, command);
            if (!outcome.IsTransient || time.GetElapsedTime(began) > patience) return outcome;
            await Task.Delay(wait, time);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(running.Keys).WaitAsync(cancellationToken)
        .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
}
