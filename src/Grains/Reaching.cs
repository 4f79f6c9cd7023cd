// What goes wrong on the way to the ledger, in a form that reaches callers on other machines.
using Purser.Engine;

namespace Purser.Grains;

static class Reaching
{
    /// <summary>The cause stays here: its type (a database driver's) is not known to callers and could not be read there.</summary>
    public static async Task<T> LedgerAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (LedgerUnavailableException e) when (e.InnerException is not null)
        {
            throw new LedgerUnavailableException(e.Message);
        }
    }
}
