using System.Runtime.CompilerServices;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What the memory database keeps, and what it lets go.</summary>
public sealed class MemoryKvDatabaseTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task Expired_entries_are_removed_without_anybody_asking()
    {
        await using MemoryKvDatabase database = Open();
        for (int i = 0; i < 5; i++)
            await WriteAsync(database, [.. Enumerable.Range(0, 1_000).Select(n => Set(n * 10 + i, After(1_000 * (i + 1))))]);
        await WriteAsync(database, Set(-1, null));
        for (int left = 4_001; left > 0; left -= 1_000)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(left, database.Entries);
        }

        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact]
    public async Task An_earlier_expiry_is_not_kept_waiting_by_a_later_one()
    {
        await using MemoryKvDatabase database = Open();
        await WriteAsync(database, Set(1, After(86_400_000)));
        await WriteAsync(database, Set(2, After(5_000)));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(1, database.Entries);
        _clock.Advance(TimeSpan.FromDays(2));
        Assert.Equal(0, database.Entries);
    }

    [Fact]
    public async Task What_was_written_anew_is_not_removed_with_what_was_there_before()
    {
        await using MemoryKvDatabase database = Open();
        await WriteAsync(database, Set(1, After(1_000)), Set(2, After(1_000)), Set(3, After(1_000)));
        await WriteAsync(database, Set(1, null), Set(2, After(60_000)), KvMutation.Delete(Key(3)));
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(2, database.Entries);
        _clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(1, database.Entries);
    }

    [Fact]
    public async Task What_is_set_with_an_expiry_in_the_past_takes_no_room()
    {
        await using MemoryKvDatabase database = Open();
        await WriteAsync(database, Set(1, After(-1)), Set(2, After(0)));
        Assert.Equal(0, database.Entries);
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("overwrite")]
    [InlineData("close")]
    public async Task An_entry_that_has_gone_before_its_expiry_takes_no_memory_any_more(string how)
    {
        await using MemoryKvDatabase database = Open();
        WeakReference entry = await WatchAsync(database);
        if (how == "delete") await WriteAsync(database, KvMutation.Delete(Key(1)));
        else if (how == "overwrite") await WriteAsync(database, Set(1, null));
        else await database.DisposeAsync();
        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                return !entry.IsAlive;
            },
            "The entry is held until its expiry.");
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public void A_database_without_a_name_is_refused(string? name) => Assert.Throws<ArgumentException>(() => new MemoryKvDatabase(new MemoryKvDatabaseOptions { Name = name! }));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<WeakReference> WatchAsync(MemoryKvDatabase database)
    {
        await WriteAsync(database, Set(1, After(60_000)));
        return new WeakReference((await database.SnapshotReadAsync([ReadRange.Of(Key(1))], null, CancellationToken.None))[0].Entries[0]);
    }

    private MemoryKvDatabase Open() => new(null, new StoreContext { Clock = _clock });

    private DateTimeOffset After(double milliseconds) => _clock.GetUtcNow().AddMilliseconds(milliseconds);

    private static byte[] Key(int number) => BitConverter.GetBytes(number);

    private static KvMutation Set(int key, DateTimeOffset? expires) => KvMutation.Set(Key(key), KvValue.OfUInt64(1), expires);

    private static async Task WriteAsync(IKvDatabase database, params KvMutation[] mutations) =>
        Assert.True((await database.AtomicWriteAsync(new AtomicWrite { Mutations = mutations }, CancellationToken.None)).IsCommitted);
}
