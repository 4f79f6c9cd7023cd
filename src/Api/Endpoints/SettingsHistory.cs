// Who changed a part of the settings, when and why, as it is shown beside that part.
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

static class SettingsHistory
{
    /// <summary>Of each subject so many changes are shown, the latest.</summary>
    public const int Most = 200;

    /// <summary>Changes of some subjects, oldest first. Where the ledger can not be reached, those that the settings in memory still have:
    /// prices are answered without it.</summary>
    public static async Task<IReadOnlyList<SettingsChange>> OfAsync(
        IBudgetAuthority authority, Settings settings, params IReadOnlyCollection<string> subjects)
    {
        var known = settings.Body.Changes;
        // With fewer than are kept there, all that was ever changed is there.
        if (known.Count >= SettingsEditRules.MostChanges)
            try
            {
                return await authority.SettingsChangesAsync(subjects, Most);
            }
            catch (LedgerUnavailableException)
            {
            }
        return [.. SettingsNote.Among(known, subjects)];
    }
}
