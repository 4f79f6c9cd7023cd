// Turns a failure of the ledger into an exception that Orleans can carry to callers on other machines.
using Purser.Engine;

namespace Purser.Grains;

static class Reaching
{
    /// <summary>Drops the inner exception: its type is a database driver's, which callers do not have and could not read.</summary>
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
