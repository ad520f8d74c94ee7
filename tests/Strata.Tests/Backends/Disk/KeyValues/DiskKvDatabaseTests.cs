using Xunit;

namespace Strata.Tests;

/// <summary>What a disk database keeps beyond what every database promises: over restarts, of the longest keys, in the largest write.</summary>
public sealed class DiskKvDatabaseTests : DiskKvFixture
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Everything_is_there_after_restarts_and_compactions(bool maps)
    {
        DiskKvDatabaseOptions options = Options with { SegmentBytes = 256 << 10, MapReads = maps, CompactionBytesPerSecond = null };
        var random = new Random(1);
        var model = new SortedDictionary<byte[], (byte[] Value, KvEncoding Encoding, Versionstamp Stamp, DateTimeOffset? Expires)>(ByteOrder.Instance);
        for (int restart = 0; restart < 5; restart++)
        {
            await OpenAsync(options);
            Assert.Equal(model.Count, Database.GetStatistics().Entries);
            for (int i = 0; i < 200; i++)
            {
                KvMutation[] some = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => AnyMutation(random, model)).DistinctBy(m => Convert.ToHexString(m.Key.Span))];
                Versionstamp stamp = await CommitAsync(some);
                foreach (KvMutation m in some)
                {
                    if (m.Kind == KvMutationKind.Delete) model.Remove(m.Key.ToArray());
                    else model[m.Key.ToArray()] = (m.Value.Data.ToArray(), m.Value.Encoding, stamp, m.Expires);
                }
            }

            if (restart % 2 == 0) await Database.Log.CompactAsync(0.1, TestContext.Current.CancellationToken);
            IReadOnlyList<KvEntry> all = await AllAsync();
            Assert.Equal(model.Count, all.Count);
            foreach ((KvEntry entry, (byte[] key, (byte[] value, KvEncoding encoding, Versionstamp stamp, DateTimeOffset? expires))) in all.Zip(model))
            {
                Assert.True(entry.Key.Span.SequenceEqual(key), "the keys are not in the order of their bytes");
                Assert.True(entry.Value.Data.Span.SequenceEqual(value));
                Assert.Equal((encoding, stamp, expires), (entry.Value.Encoding, entry.Versionstamp, entry.Expires));
            }
        }

        Assert.Equal(0, Log.Warnings);

        KvMutation AnyMutation(Random random, IReadOnlyDictionary<byte[], (byte[], KvEncoding, Versionstamp, DateTimeOffset?)> there)
        {
            // Few keys, of all lengths, many of which share all but their ends.
            int which = random.Next(150);
            byte[] key = which % 3 == 0 ? [.. Bytes(2_000, which % 2), .. Bytes((which % 48) + 1, which)] : Bytes((which * 13) + 1, which);
            if (random.Next(4) == 0) return KvMutation.Delete(key);
            DateTimeOffset? expires = random.Next(3) == 0 ? After(3_600_000 + random.Next(1_000)) : null;
            return random.Next(3) switch
            {
                0 => KvMutation.Set(key, new KvValue(Bytes(random.Next(100), which), KvEncoding.V8), expires),
                1 => KvMutation.Set(key, KvValue.OfUInt64((ulong)random.NextInt64()), expires),
                _ => KvMutation.Set(key, KvValue.OfBytes(Bytes(random.Next(20_000), which)), expires),
            };
        }
    }

    [Fact]
    public async Task The_longest_keys_are_kept_in_order_with_a_versionstamp_behind_them()
    {
        await OpenAsync(Options with { SegmentBytes = 1 << 20 });
        byte[][] keys = [.. Enumerable.Range(0, 500).Select(i => Bytes(2_026, i))];
        var whole = new List<byte[]>();
        foreach (byte[] key in keys)
        {
            Versionstamp stamp = await CommitAsync(KvMutation.SetVersionstampedKey(key, KvValue.OfBytes(key.AsMemory(0, 8)), After(1_000)));
            whole.Add([.. key, 2, .. Key(stamp.ToString()), 0]);
        }

        for (int restart = 0; restart < 2; restart++)
        {
            IReadOnlyList<KvEntry> all = await AllAsync(), down = await AllAsync(reverse: true);
            Assert.Equal(keys.Length, all.Count);
            Assert.Equal(whole.Order(ByteOrder.Instance).Select(Convert.ToHexString), all.Select(e => Convert.ToHexString(e.Key.Span)));
            Assert.Equal(all.Select(e => e.Versionstamp), down.Reverse().Select(e => e.Versionstamp));
            await OpenAsync();
        }

        Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(await AllAsync());
        await RemovedAsync(0);
    }

    [Fact]
    public async Task The_largest_write_is_one_commit_and_is_there_after_a_restart()
    {
        await OpenAsync();
        KvMutation[] chunks = [.. Enumerable.Range(0, (80 << 20) / (65_536 + 8)).Select(i => KvMutation.Set(Key($"{i:d8}"), KvValue.OfBytes(Bytes(65_536, i))))];
        Versionstamp stamp = await CommitAsync(chunks);
        await CommitAsync(Set("after", "it"));
        await OpenAsync();
        Assert.Equal(chunks.Length + 1, Database.GetStatistics().Entries);
        for (int i = 0; i < chunks.Length; i += 99)
        {
            KvEntry? found = await GetAsync(chunks[i].Key);
            Assert.Equal(stamp, found?.Versionstamp);
            Assert.Equal(chunks[i].Value, found!.Value);
        }

        // What was replaced is given back, however large its segment.
        await CommitAsync([.. chunks.Select(c => KvMutation.Delete(c.Key))]);
        await Database.Log.CompactAsync(0.1, TestContext.Current.CancellationToken);
        Assert.InRange(Database.GetLogStatistics().LiveBytes, 0, 1 << 20);
        Assert.Equal("it", await GetAsync("after"));
    }

    [Fact]
    public async Task A_folder_has_one_owner_and_holds_a_database_alone()
    {
        await OpenAsync();
        var owned = await Assert.ThrowsAsync<StorageException>(async () => await DiskKvDatabase.OpenAsync(Options));
        Assert.Equal(StorageErrorKind.Owned, owned.Kind);
        await CommitAsync(Set("a", "1"));
        await CloseAsync();

        string other = Path.Combine(Folder, "blobs-of-another");
        await using (DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = other })) await store.PutBytesAsync(BlobKey.Parse("a"), new byte[9]);
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await DiskKvDatabase.OpenAsync(Options with { Path = other }));
        Assert.Equal(StorageErrorKind.Unsupported, refused.Kind);
        await using (DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = other })) Assert.Equal(new byte[9], await store.GetBytesAsync(BlobKey.Parse("a")));

        await OpenAsync();
        Assert.Equal("1", await GetAsync("a"));
    }

    [Fact]
    public async Task Settings_that_cannot_be_kept_are_refused()
    {
        await RefusedAsync(Options with { Path = "" });
        await RefusedAsync(Options with { MaxIndexBytes = 1 });
        await RefusedAsync(Options with { SyncInterval = TimeSpan.Zero });
        await RefusedAsync(Options with { CompactionBytesPerSecond = 1 });
        await RefusedAsync(Options with { Limits = KvLimits.Embedded with { MaxKeyBytes = 2_100 } });
        await RefusedAsync(Options with { Limits = KvLimits.Embedded with { MaxWriteBytes = 200 << 20 } });
        await RefusedAsync(Options with { Limits = KvLimits.Embedded with { MaxMutations = 10_000_000 } });

        static Task RefusedAsync(DiskKvDatabaseOptions options) => Assert.ThrowsAnyAsync<ArgumentException>(async () => await DiskKvDatabase.OpenAsync(options));
    }

    [Fact]
    public async Task Statistics_tell_what_is_there_and_what_it_takes()
    {
        await OpenAsync();
        Assert.Equal(0, Database.GetStatistics().Entries);
        await CommitAsync(Set("a", "1"), Set("b", "1", After(60_000)), Set("c", "1"));
        await CommitAsync(Set("a", "22"), Delete("c"), Delete("d"));
        KvStatistics statistics = Database.GetStatistics();
        Assert.Equal(2, statistics.Entries);
        Assert.InRange(statistics.Bytes, 2 * 50, 2 * 100);
        Assert.True(statistics is { FileBytes: > 0, IndexBytes: > 0, Fault: null, Expirations: 0, Watches: 0 });
        await OpenAsync();
        Assert.Equal((2, statistics.Bytes), (Database.GetStatistics().Entries, Database.GetStatistics().Bytes));
    }

    [Fact]
    public async Task A_full_index_refuses_new_keys_and_takes_everything_else()
    {
        await OpenAsync(Options with { MaxIndexBytes = 1 << 20 });
        StorageException? full = null;
        int keys = 0;
        for (; full is null && keys < 100_000; keys += 100)
            full = await Record.ExceptionAsync(() => CommitAsync([.. Enumerable.Range(keys, 100).Select(i => Set($"key {i}", "1", i % 2 == 0 ? After(60_000) : null))])) as StorageException;
        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (full?.Kind, full?.Outcome));
        Assert.InRange(Database.GetStatistics().IndexBytes!.Value, 900 << 10, 1_200 << 10);
        await CommitAsync(Set("key 1", "2"));
        await CommitAsync(Delete("key 3"));
        Assert.Equal(("2", null), (await GetAsync("key 1"), await GetAsync("key 3")));
        Assert.Null(await GetAsync($"key {keys - 1}"));
    }
}
