using Xunit;

namespace Strata.Testing;

/// <content>A write is committed only if all its checks hold.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task A_check_for_absence_holds_only_where_there_is_no_entry()
    {
        Assert.True((await WriteAsync(Absent("a"), Set("a", "1"))).IsCommitted);
        await FailsCheckAsync([Absent("a")], [0], Set("a", "2"));
        await AssertHoldsAsync("a", "1");
        await CommitAsync(Delete("a"));
        Assert.True((await WriteAsync(Absent("a"), Set("a", "3"))).IsCommitted);
        await AssertHoldsAsync("a", "3");
    }

    [Fact]
    public async Task A_check_for_a_commit_holds_until_the_next_one_of_the_key()
    {
        Versionstamp first = await CommitAsync(Set("a", "same"));
        Assert.True((await WriteAsync(new KvCheck(Key("a"), first), Set("b", "1"))).IsCommitted);
        Versionstamp second = await CommitAsync(Set("a", "same"));
        Assert.NotEqual(first, second);
        await FailsCheckAsync([new KvCheck(Key("a"), first)], [0], Set("a", "lost"));
        Assert.True((await WriteAsync(new KvCheck(Key("a"), second), Set("a", "3"))).IsCommitted);
        await AssertHoldsAsync("a", "3");
    }

    [Fact]
    public async Task A_check_for_a_commit_fails_where_there_is_no_entry()
    {
        Versionstamp stamp = await CommitAsync(Set("a", "1"));
        await CommitAsync(Delete("a"));
        await FailsCheckAsync([new KvCheck(Key("a"), stamp)], [0], Set("a", "2"));
        await FailsCheckAsync([new KvCheck(Key("never"), stamp)], [0], Set("a", "2"));
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_commit_that_never_was_is_not_found()
    {
        Versionstamp stamp = await CommitAsync(Set("a", "1"));
        await FailsCheckAsync([new KvCheck(Key("a"), stamp.Next())], [0], Set("a", "2"));
        await FailsCheckAsync([new KvCheck(Key("a"), new Versionstamp(stamp.Counter - 1))], [0], Set("a", "2"));
        await FailsCheckAsync([new KvCheck(Key("a"), new Versionstamp(stamp.Counter, (ushort)(stamp.Suffix + 1)))], [0], Set("a", "2"));
        await FailsCheckAsync([new KvCheck(Key("a"), new Versionstamp(ulong.MaxValue, ushort.MaxValue))], [0], Set("a", "2"));
        await AssertHoldsAsync("a", "1");
    }

    [Fact]
    public async Task All_checks_must_hold_and_those_that_do_not_are_told()
    {
        Versionstamp a = await CommitAsync(Set("a", "1")), b = await CommitAsync(Set("b", "1"));
        await FailsCheckAsync([new KvCheck(Key("a"), a), Absent("b"), Absent("c"), new KvCheck(Key("a"), b)], [1, 3], Set("d", "1"), Delete("a"));
        await AssertMissingAsync("d");
        await AssertHoldsAsync("a", "1");
        Assert.True((await WriteAsync([new KvCheck(Key("a"), a), new KvCheck(Key("b"), b), Absent("c")], Set("d", "1"), Delete("a"))).IsCommitted);
        await AssertHoldsAsync("d", "1");
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task One_key_may_be_checked_twice()
    {
        Versionstamp stamp = await CommitAsync(Set("a", "1"));
        Assert.True((await WriteAsync([new KvCheck(Key("a"), stamp), new KvCheck(Key("a"), stamp)], Set("b", "1"))).IsCommitted);
        await FailsCheckAsync([new KvCheck(Key("a"), stamp), Absent("a")], [1], Set("b", "2"));
        await AssertHoldsAsync("b", "1");
    }

    [Fact]
    public async Task Checks_see_what_was_there_before_the_write()
    {
        Assert.True((await WriteAsync(Absent("a"), Set("a", "1"), Set("a", "2"))).IsCommitted);
        Versionstamp stamp = await StampAsync("a");
        Assert.True((await WriteAsync(new KvCheck(Key("a"), stamp), Delete("a"))).IsCommitted);
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task Checks_without_a_mutation_are_a_commit()
    {
        Versionstamp stamp = await CommitAsync(Set("a", "1"));
        CommitResult result = await WriteAsync(new KvCheck(Key("a"), stamp));
        Assert.True(result.IsCommitted);
        Assert.True(result.Versionstamp > stamp);
        await FailsCheckAsync([Absent("a")], [0]);
        Assert.Equal(stamp, await StampAsync("a"));
    }

    [Fact]
    public async Task An_expired_entry_counts_as_absent()
    {
        Versionstamp stamp = await CommitAsync(Set("a", "1", After(1_000)));
        Tick(999);
        await FailsCheckAsync([Absent("a")], [0], Set("b", "1"));
        Assert.True((await WriteAsync(new KvCheck(Key("a"), stamp))).IsCommitted);
        Tick();
        await FailsCheckAsync([new KvCheck(Key("a"), stamp)], [0], Set("b", "1"));
        Assert.True((await WriteAsync(Absent("a"), Set("b", "1"))).IsCommitted);
    }

    private async Task FailsCheckAsync(KvCheck[] checks, int[] failed, params KvMutation[] mutations)
    {
        CommitResult result = await WriteAsync(checks, mutations);
        Assert.False(result.IsCommitted);
        Assert.Equal(Versionstamp.None, result.Versionstamp);
        if (result.FailedChecks.Count > 0) Assert.Equal(failed, result.FailedChecks); // Not every database tells.
    }
}
