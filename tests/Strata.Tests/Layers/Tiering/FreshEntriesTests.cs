using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What a hit looks at where trust lapses: it forgets at will, and never says yes to another entry or after its time.</summary>
public sealed class FreshEntriesTests
{
    private static readonly BlobKey Key = BlobKey.Parse("a/key");

    [Fact]
    public async Task An_entry_counts_until_its_time_and_another_of_the_same_key_does_not()
    {
        BlobReadResult first = await EntryAsync(), second = await EntryAsync();
        var entries = new FreshEntries();
        entries.Add(Key, first, until: 100);
        Assert.True(entries.Has(Key, first, now: 99));
        Assert.False(entries.Has(Key, first, now: 100));
        Assert.False(entries.Has(Key, second, now: 99));
        entries.Add(Key, first, until: 200);
        Assert.True(entries.Has(Key, first, now: 199));
        entries.Remove(Key);
        Assert.False(entries.Has(Key, first, now: 0));
    }

    /// <summary>Of a million entries at most as many are known as there is room for, and each with its own time.</summary>
    [Fact]
    public async Task What_has_no_room_pushes_out_what_ends_first()
    {
        var entries = new FreshEntries();
        BlobInfo info = (await EntryAsync()).Info;
        (BlobKey Key, BlobReadResult Entry)[] all =
            [.. Enumerable.Range(0, 1_000_000).Select(i => (BlobKey.Parse($"key/{i}"), BlobReadResult.WithoutBytes(BlobReadStatus.Found, info, "hot")))];
        for (int i = 0; i < all.Length; i++) entries.Add(all[i].Key, all[i].Entry, until: i + 1);
        int known = 0;
        for (int i = 0; i < all.Length; i++)
        {
            Assert.False(entries.Has(all[i].Key, all[i].Entry, now: i + 1), $"{all[i].Key} outlives its time");
            if (entries.Has(all[i].Key, all[i].Entry, now: 0)) known++;
        }

        Assert.InRange(known, 250_000, 1 << 18);
    }

    /// <summary>Sets fill unevenly: were an entry bound to one, a twentieth of these would push each other out, and each such hit would ask the known writes and allocate.</summary>
    [Fact]
    public async Task A_third_of_what_there_is_room_for_is_known_whole()
    {
        var entries = new FreshEntries();
        BlobInfo info = (await EntryAsync()).Info;
        (BlobKey Key, BlobReadResult Entry)[] all =
            [.. Enumerable.Range(0, 90_000).Select(i => (BlobKey.Parse($"key/{i}"), BlobReadResult.WithoutBytes(BlobReadStatus.Found, info, "hot")))];
        foreach ((BlobKey key, BlobReadResult entry) in all) entries.Add(key, entry, until: 100);
        Assert.Equal(all.Length, all.Count(known => entries.Has(known.Key, known.Entry, now: 99)));
        foreach ((BlobKey key, _) in all) entries.Remove(key);
        Assert.DoesNotContain(all, gone => entries.Has(gone.Key, gone.Entry, now: 0));
    }

    /// <summary>Were a tag and a time of two entries read together, the one that ends early would live as long as the other.</summary>
    [Fact]
    public async Task A_look_during_a_change_never_takes_one_entrys_time_for_anothers()
    {
        BlobReadResult brief = await EntryAsync(), lasting = await EntryAsync();
        var entries = new FreshEntries();
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                entries.Remove(Key);
                entries.Add(Key, brief, until: 10);
                entries.Remove(Key);
                entries.Add(Key, lasting, until: 1000);
            }
        });
        for (int i = 0; i < 2_000_000; i++) Assert.False(entries.Has(Key, brief, now: 10), "an entry outlived its time");
        await stop.CancelAsync();
        await writer;
    }

    private static async Task<BlobReadResult> EntryAsync()
    {
        var store = new MemoryBlobStore();
        await store.PutBytesAsync(Key, new byte[1]);
        Assert.True(store.TryRead(Key, out BlobReadResult? entry));
        return entry;
    }
}
