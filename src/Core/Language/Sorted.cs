// Finding a place in what is in order, whatever holds it.
namespace Purser.Core;

public static class Sorted
{
    /// <summary>
    /// The first of <paramref name="count"/> places at which something is reached that from there on stays so; <paramref name="count"/>
    /// where it never is.
    /// </summary>
    public static int First<T>(int count, T asked, Func<T, int, bool> isReached)
    {
        var (low, high) = (0, count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (isReached(asked, middle)) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
