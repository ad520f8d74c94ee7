using Strata.Testing;
using Xunit;
using static Strata.Testing.KvHistory;

namespace Strata.Tests;

/// <summary>The checker of histories must find what is wrong, or the tests that rest on it prove nothing.</summary>
public sealed class KvHistoryTests
{
    [Fact]
    public void One_after_the_other_is_explained() => Assert.True(IsExplained(
        Write(1, 1, 2, (0, 1), (1, 1)), Read(3, 4, (0, 1), (1, 1)), Checked(2, 5, 6, (0, 1), (0, 2)), Read(7, 8, (0, 2), (1, 1)), Checked(0, 9, 10, (0, 1), (0, 3)), Write(3, 11, 12, (0, 0)), Read(13, 14, (0, 0))));

    [Fact]
    public void Overlapping_operations_may_take_either_order()
    {
        Assert.True(IsExplained(Write(1, 1, 4, (0, 1)), Read(2, 3, (0, 0))));
        Assert.True(IsExplained(Write(1, 1, 4, (0, 1)), Read(2, 3, (0, 1))));
        Assert.True(IsExplained(Write(2, 1, 6, (0, 1)), Write(1, 2, 5, (0, 2)), Read(7, 8, (0, 1))));
    }

    [Fact]
    public void A_stale_read_is_found() => Assert.False(IsExplained(Write(1, 1, 2, (0, 1)), Write(2, 3, 4, (0, 2)), Read(5, 6, (0, 1))));

    [Fact]
    public void A_lost_write_is_found() => Assert.False(IsExplained(Write(1, 1, 2, (0, 1), (1, 1)), Read(3, 4, (0, 1), (1, 0))));

    [Fact]
    public void A_torn_read_is_found() => Assert.False(IsExplained(Write(1, 1, 10, (0, 1), (1, 1)), Read(2, 3, (0, 1), (1, 0))));

    [Fact]
    public void A_write_that_comes_in_two_steps_is_found() => Assert.False(IsExplained(Write(1, 1, 10, (0, 1), (1, 1)), Read(2, 3, (0, 1)), Read(4, 5, (1, 0))));

    [Fact]
    public void A_value_that_goes_and_comes_back_is_found() => Assert.False(IsExplained(Write(1, 1, 2, (0, 1)), Write(2, 3, 10, (0, 2)), Read(4, 5, (0, 2)), Read(6, 7, (0, 1))));

    [Fact]
    public void Two_winners_of_one_check_are_found()
    {
        Assert.False(IsExplained(Checked(1, 1, 4, (0, 0), (0, 1)), Checked(2, 2, 3, (0, 0), (0, 2))));
        Assert.False(IsExplained(Write(1, 1, 2, (0, 1)), Checked(2, 3, 6, (0, 1), (0, 2)), Checked(3, 4, 5, (0, 1), (0, 3))));
    }

    [Fact]
    public void A_check_that_failed_though_it_holds_is_found() => Assert.False(IsExplained(Checked(0, 1, 2, (0, 0), (0, 1))));

    [Fact]
    public void A_sum_that_is_lost_or_done_twice_is_found()
    {
        Assert.True(IsExplained(Write(1, 1, 2, (Counter, 1)), Write(2, 3, 4, (Counter, 1)), Read(5, 6, (Counter, 2))));
        Assert.False(IsExplained(Write(1, 1, 2, (Counter, 1)), Write(2, 1, 2, (Counter, 1)), Read(5, 6, (Counter, 1))));
        Assert.False(IsExplained(Write(1, 1, 2, (Counter, 1)), Read(5, 6, (Counter, 2))));
    }

    [Fact]
    public void Versionstamps_against_the_order_of_time_are_found()
    {
        Assert.False(IsExplained(Write(2, 1, 2), Write(1, 3, 4)));
        Assert.False(IsExplained(Write(1, 1, 2), Write(1, 3, 4)));
        Assert.False(IsExplained(Write(2, 1, 6, (0, 1)), Write(1, 2, 5, (0, 2)), Read(7, 8, (0, 2))));
    }

    private static bool IsExplained(params Event[] operations)
    {
        var history = new KvHistory(null!, "", 0);
        foreach (Event operation in operations) history.Add(operation);
        return history.IsLinearizable();
    }

    private static Event Write(ulong stamp, int called, int returned, params (int Key, int Number)[] sets) => new(false, [], sets, new Versionstamp(stamp), called, returned);

    /// <param name="stamp">0: the check failed.</param>
    private static Event Checked(ulong stamp, int called, int returned, (int Key, int Number) expected, (int Key, int Number) sets) => new(false, [expected], [sets], new Versionstamp(stamp), called, returned);

    private static Event Read(int called, int returned, params (int Key, int Number)[] seen) => new(true, seen, [], Versionstamp.None, called, returned);
}
