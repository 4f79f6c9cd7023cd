// What callers use: one way in, whatever host answers.
using Purser.Core;

namespace Purser.Engine;

/// <summary>
/// Decides commands. An answer other than a transient one is durable. <see cref="OutcomeStatus.Unavailable"/> and
/// <see cref="OutcomeStatus.Moved"/> may be retried with the same ids; nothing is ever booked twice. Never throws for an expected answer.
/// </summary>
public interface IBudgetAuthority
{
    /// <summary>Cancelling gives up waiting for the answer, never the command: once sent it may be decided and become durable.</summary>
    Task<Outcome> SendAsync(string account, BudgetCommand command, CancellationToken cancellation = default);

    /// <summary>Several commands of one account, decided in their order and answered in it. They share commits; each stands for
    /// itself.</summary>
    async Task<IReadOnlyList<Outcome>> SendAllAsync(string account, IReadOnlyList<BudgetCommand> commands,
        CancellationToken cancellation = default) =>
        await Task.WhenAll(commands.Select(command => SendAsync(account, command, cancellation)));

    /// <summary>The settings in force: default policy and prices.</summary>
    Task<Settings> SettingsAsync();

    /// <summary>Changes of the settings after a version, oldest first. <see cref="SettingsBody.Changes"/> has the latest of them.</summary>
    Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(long after, int most);

    /// <summary>The latest changes of some subjects, oldest first, whatever else was changed since.</summary>
    Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(IReadOnlyCollection<string> subjects, int most);

    /// <summary>Changes the settings. Sent twice, it changes the same to the same.</summary>
    Task<SettingsEdited> EditSettingsAsync(SettingsEdit edit);
}
