// Which id a settlement has whose caller names none.
namespace Purser.Core.Tests;

public sealed class SettlementIdTests
{
    [Theory]
    [InlineData(true, false, "h")]
    [InlineData(true, true, "unknown:h")]
    [InlineData(false, true, "unknown:h")]
    [InlineData(false, false, null)]
    public void A_retry_without_an_id_is_the_same_settlement_where_there_is_only_one(bool final, bool unknown, string? id) =>
        Assert.Equal(id, SettlementId.Of("h", final, unknown));

    [Theory]
    [InlineData(Validity.LongestId - 8, true)]
    [InlineData(Validity.LongestId - 7, false)]
    public void One_that_would_be_too_long_is_made_up(int length, bool isTaken)
    {
        var reservation = new string('h', length);
        Assert.Equal(isTaken ? "unknown:" + reservation : null, SettlementId.Of(reservation, final: true, unknown: true));
        Assert.Equal(reservation, SettlementId.Of(reservation, final: true, unknown: false));
    }
}
