using Strata.Testing;
using Xunit;
using static Strata.Testing.RegisterHistory;

namespace Strata.Tests;

/// <summary>The checker of histories must find what is wrong, or the tests that rest on it prove nothing.</summary>
public sealed class RegisterHistoryTests
{
    [Fact]
    public void One_after_the_other_is_explained() => Assert.True(IsExplained(
        Write(1, 1, 2), Read(1, 3, 4), new Event(Kind.WriteIfMatch, 2, 1, 1, 5, 6), Read(2, 7, 8), Delete(1, 9, 10), Read(0, 11, 12), new Event(Kind.WriteIfAbsent, 3, 0, 1, 13, 14)));

    [Fact]
    public void Overlapping_operations_may_take_either_order()
    {
        Assert.True(IsExplained(Write(1, 1, 4), Read(0, 2, 3)));
        Assert.True(IsExplained(Write(1, 1, 4), Read(1, 2, 3)));
        Assert.True(IsExplained(Write(1, 1, 6), Write(2, 2, 5), Read(1, 7, 8)));
    }

    [Fact]
    public void A_stale_read_is_found() => Assert.False(IsExplained(Write(1, 1, 2), Write(2, 3, 4), Read(1, 5, 6)));

    [Fact]
    public void A_lost_write_is_found() => Assert.False(IsExplained(Write(1, 1, 2), Read(0, 3, 4)));

    [Fact]
    public void A_value_that_goes_and_comes_back_is_found() => Assert.False(IsExplained(Write(1, 1, 2), Write(2, 3, 10), Read(2, 4, 5), Read(1, 6, 7)));

    [Fact]
    public void Two_winners_of_one_condition_are_found()
    {
        Assert.False(IsExplained(new Event(Kind.WriteIfAbsent, 1, 0, 1, 1, 4), new Event(Kind.WriteIfAbsent, 2, 0, 1, 2, 3)));
        Assert.False(IsExplained(Write(1, 1, 2), new Event(Kind.WriteIfMatch, 2, 1, 1, 3, 6), new Event(Kind.WriteIfMatch, 3, 1, 1, 4, 5)));
    }

    [Fact]
    public void A_condition_that_nobody_won_is_found() => Assert.False(IsExplained(new Event(Kind.WriteIfAbsent, 1, 0, 0, 1, 2)));

    [Fact]
    public void A_deleted_value_that_is_read_is_found() => Assert.False(IsExplained(Write(1, 1, 2), Delete(1, 3, 4), Read(1, 5, 6)));

    [Fact]
    public void A_delete_that_says_it_found_nothing_is_found() => Assert.False(IsExplained(Write(1, 1, 2), Delete(0, 3, 4)));

    private static bool IsExplained(params Event[] operations)
    {
        var history = new RegisterHistory(null!, default, 0);
        foreach (Event operation in operations) history.Add(operation);
        return history.IsLinearizable();
    }

    private static Event Write(int number, int called, int returned) => new(Kind.Write, number, 0, 1, called, returned);

    private static Event Read(int seen, int called, int returned) => new(Kind.Read, 0, seen, seen, called, returned);

    private static Event Delete(int found, int called, int returned) => new(Kind.Delete, 0, 0, found, called, returned);
}
