using System.Security.Cryptography;
using Xunit;

namespace Strata.Tests;

public abstract class KvLargeValueTests(KvBackend backend) : KvFixture(backend)
{
    private static KvKey Key => ["large"];

    public static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    [Theory]
    [InlineData(65_536, 0)]
    [InlineData(65_537, 2)]
    [InlineData(131_072, 2)]
    [InlineData(10_000_000, 153)]
    public async Task A_value_of_any_length_is_read_as_it_was_written(int length, int chunks)
    {
        byte[] value = Bytes(length);
        await Kv.SetAsync(Key, value);
        Assert.Equal(chunks, (await Database.ChunksAndOwnersAsync()).Chunks);
        Assert.Equal(value, (await Kv.GetAsync<byte[]>(Key))!.Value);
        Assert.Equal(value, Assert.Single(await Kv.ListAsync<byte[]>(KvSelector.All).ToListAsync()).Value);
        Assert.Equal(value, (await Kv.GetManyAsync<byte[]>([Key, ["none"]]))[0]!.Value);
        await using IAsyncEnumerator<KvEntry<byte[]>?> watch = Kv.WatchAsync<byte[]>(Key).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(value, watch.Current!.Value);
    }

    [Fact]
    public async Task A_value_of_64_MiB_is_kept_and_a_longer_one_refused()
    {
        byte[] value = new byte[64 << 20];
        RandomNumberGenerator.Fill(value.AsSpan(0, 1_000));
        await Kv.SetAsync(Key, value);
        KvEntry<ReadOnlyMemory<byte>>? read = await Kv.GetAsync<ReadOnlyMemory<byte>>(Key);
        Assert.True(value.AsSpan().SequenceEqual(read!.Value.Span));
        await Kv.SetAsync(Key, value);
        Assert.Equal(1_024, (await Database.ChunksAndOwnersAsync()).Chunks);
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.SetAsync(Key, new byte[(64 << 20) + 1]));
        Assert.Contains("at most 67108864 bytes (KvOptions.MaxValueBytes), not 67108865", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Long_strings_keep_their_type()
    {
        string text = new('é', 100_000);
        await Kv.SetAsync(Key, text);
        Assert.Equal(text, (await Kv.GetAsync<string>(Key))!.Value);
        await Assert.ThrowsAsync<StorageException>(async () => await Kv.GetAsync<byte[]>(Key));
    }

    [Fact]
    public async Task A_value_that_is_replaced_leaves_no_chunk_behind()
    {
        await Kv.SetAsync(Key, Bytes(1_000_000));
        await Kv.SetAsync(Key, Bytes(200_000, 2));
        Assert.Equal((4, 1), await Database.ChunksAndOwnersAsync());
        Assert.Equal(Bytes(200_000, 2), (await Kv.GetAsync<byte[]>(Key))!.Value);
        await new Kv(Database).SetAsync(Key, "small");
        Assert.Equal((0, 0), await Database.ChunksAndOwnersAsync());
        Assert.Equal("small", (await Kv.GetAsync<string>(Key))!.Value);
    }

    [Fact]
    public async Task A_value_that_is_deleted_leaves_no_chunk_behind()
    {
        await Kv.SetAsync(Key, Bytes(1_000_000));
        await new Kv(Database).DeleteAsync(Key);
        Assert.Equal((0, 0), await Database.ChunksAndOwnersAsync());
        await Kv.SetAsync(Key, Bytes(100_000));
        await Kv.SetAsync(["other"], Bytes(100_000));
        Assert.Equal(2, await Kv.DeleteRangeAsync(KvSelector.All));
        Assert.Equal((0, 0), await Database.ChunksAndOwnersAsync());
    }

    [Fact]
    public async Task A_value_that_expires_leaves_no_chunk_behind()
    {
        await Kv.SetAsync(Key, Bytes(1_000_000), TimeSpan.FromSeconds(1));
        Clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.NotNull(await Kv.GetAsync<byte[]>(Key));
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(await Kv.GetAsync<byte[]>(Key));
        Assert.Equal((0, 0), await Database.ChunksAndOwnersAsync());
        await Kv.SetAsync(Key, Bytes(100_000));
        Assert.Equal((2, 1), await Database.ChunksAndOwnersAsync());
    }

    [Fact]
    public async Task One_write_may_set_a_key_several_times()
    {
        await Kv.SetAsync(Key, Bytes(300_000));
        await Kv.Atomic().Set(Key, Bytes(400_000)).Set(Key, Bytes(100_000, 7)).Set(["x"], Bytes(70_000)).Delete(["x"]).CommitAsync();
        Assert.Equal((2, 1), await Database.ChunksAndOwnersAsync());
        Assert.Equal(Bytes(100_000, 7), (await Kv.GetAsync<byte[]>(Key))!.Value);
        await Kv.Atomic().Set(Key, Bytes(400_000)).Set(Key, 1).CommitAsync();
        Assert.Equal((0, 0), await Database.ChunksAndOwnersAsync());
    }

    [Fact]
    public async Task A_large_value_under_a_versionstamped_key_is_removed_with_it()
    {
        CommitResult result = await Kv.Atomic().SetVersionstampedKey(["log"], Bytes(100_000)).CommitAsync();
        KvKey key = ["log", result.Versionstamp.ToString()];
        Assert.Equal(Bytes(100_000), (await Kv.GetAsync<byte[]>(key))!.Value);
        Assert.Equal((2, 1), await Database.ChunksAndOwnersAsync());
        await Kv.DeleteAsync(key);
        Assert.Equal((0, 0), await Database.ChunksAndOwnersAsync());
    }

    [Fact]
    public async Task A_failed_check_writes_no_chunk()
    {
        CommitResult result = await Kv.Atomic().Check(Key, new Versionstamp(9)).Set(Key, Bytes(100_000)).CommitAsync();
        Assert.Equal([0], result.FailedChecks);
        Assert.Empty(await Database.KeysAsync());
    }

    [Fact]
    public async Task A_sum_over_a_large_value_is_refused_and_leaves_it()
    {
        await Kv.SetAsync(Key, Bytes(100_000));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.Atomic().Sum(Key, 1).CommitAsync());
        Assert.Equal(Bytes(100_000), (await Kv.GetAsync<byte[]>(Key))!.Value);
    }

    [Fact]
    public async Task A_users_value_that_looks_like_a_manifest_is_not_taken_for_one()
    {
        await Kv.SetAsync(Key, Bytes(100_000));
        byte[] manifest = (await Database.FindAsync(Key))!.Value.Data.ToArray();
        Assert.Equal(KvManifest.Bytes, manifest.Length);
        await Kv.SetAsync(["copy"], manifest);
        Assert.Equal(manifest, (await Kv.GetAsync<byte[]>(["copy"]))!.Value);
        await Kv.DeleteAsync(Key);
        Assert.Equal(manifest, (await Kv.GetAsync<byte[]>(["copy"]))!.Value);
    }

    [Theory]
    [InlineData(8, "version 254")]
    [InlineData(9, "damaged")]
    [InlineData(26, "damaged")]
    [InlineData(45, "damaged")]
    public async Task A_damaged_manifest_is_an_error(int at, string reason)
    {
        await Kv.SetAsync(Key, Bytes(100_000));
        byte[] manifest = (await Database.FindAsync(Key))!.Value.Data.ToArray();
        manifest[at] ^= 0xFF;
        await WriteRawAsync(KvMutation.Set(Key.Encoded, KvValue.OfBytes(manifest)));
        StorageException e = await Assert.ThrowsAsync<StorageException>(async () => await Kv.GetAsync<byte[]>(Key));
        Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunks_that_are_missing_or_changed_are_an_error_and_never_a_wrong_value()
    {
        await Kv.SetAsync(Key, Bytes(100_000));
        KvKey chunk = (await Database.OwnKeysAsync()).First(k => k.Encoded.Span[2] == 'c');
        await WriteRawAsync(KvMutation.Set(chunk.Encoded, KvValue.OfBytes(Bytes(65_536, 9))));
        Assert.Contains("checksum", (await Assert.ThrowsAsync<StorageException>(async () => await Kv.GetAsync<byte[]>(Key))).Message, StringComparison.Ordinal);
        await WriteRawAsync(KvMutation.Delete(chunk.Encoded));
        Assert.Contains("missing", (await Assert.ThrowsAsync<StorageException>(async () => await Kv.GetAsync<byte[]>(Key))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StorageException>(async () => await Kv.ListAsync<byte[]>(KvSelector.All).ToListAsync());
    }

    [Fact]
    public async Task A_reader_sees_all_of_one_version_however_often_it_is_replaced_meanwhile()
    {
        await Kv.SetAsync(Key, Bytes(100_000));
        await Kv.SetAsync(["other"], Bytes(100_000));
        int round = 0;
        Database.BeforeRead = async _ =>
        {
            if (round++ is not (1 or 4)) return;
            Database.BeforeRead = null;
            await new Kv(Database).Atomic().Set(Key, Bytes(150_000, round)).Set(["other"], Bytes(150_000, round)).CommitAsync();
        };
        IReadOnlyList<KvEntry<byte[]>?> found = await Kv.GetManyAsync<byte[]>([Key, ["other"]]);
        Assert.Equal(found[0]!.Versionstamp, found[1]!.Versionstamp);
        Assert.Equal(Bytes(150_000, 2), found[0]!.Value);
        Assert.Equal(Bytes(150_000, 2), found[1]!.Value);
    }

    [Fact]
    public async Task Readers_beside_writers_see_whole_versions()
    {
        await Kv.SetAsync(Key, Bytes(100_000, 0));
        Task writer = Task.Run(async () =>
        {
            for (int i = 1; i <= 100; i++) await Kv.SetAsync(Key, i % 3 == 0 ? Bytes(50, i) : Bytes(100_000 + i, i));
        });
        Versionstamp last = Versionstamp.None;
        while (!writer.IsCompleted)
        {
            KvEntry<byte[]> entry = (await Kv.GetAsync<byte[]>(Key))!;
            Assert.True(entry.Versionstamp >= last);
            last = entry.Versionstamp;
            int seed = entry.Value.Length == 50 ? -1 : entry.Value.Length - 100_000;
            if (seed >= 0) Assert.Equal(Bytes(100_000 + seed, seed), entry.Value);
        }

        await writer;
        Assert.Equal((2, 1), await Database.ChunksAndOwnersAsync());
    }

    [Fact]
    public async Task A_list_goes_on_where_a_large_value_was_replaced_or_removed()
    {
        foreach (string name in (string[])["a", "b", "c"]) await Kv.SetAsync([name], Bytes(100_000));
        List<string> seen = [];
        await foreach (KvEntry<byte[]> entry in Kv.ListAsync<byte[]>(KvSelector.All))
        {
            seen.Add($"{entry.Key[0]} {entry.Value.Length}");
            if (seen.Count > 1) continue;
            await Kv.DeleteAsync(["b"]);
            await Kv.SetAsync(["c"], Bytes(90_000));
        }

        Assert.Equal(["a 100000", "c 90000"], seen);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_writers_of_one_key_leave_one_version(bool tells)
    {
        SteppedKvDatabase database = await OpenAsync(tellsFailedChecks: tells);
        Kv one = new(database), other = new(database);
        await one.SetAsync(["k"], 1);
        await other.SetAsync(["k"], 2);
        database.BeforeWrite = async _ =>
        {
            database.BeforeWrite = null;
            await other.SetAsync(["k"], Bytes(100_000, 5));
        };
        CommitResult result = await one.Atomic().CheckAbsent(["none"]).Set(["k"], Bytes(200_000, 6)).CommitAsync();
        Assert.True(result.IsCommitted, "The first large value of another is no check of the caller's.");
        Assert.Equal(Bytes(200_000, 6), (await one.GetAsync<byte[]>(["k"]))!.Value);
        Assert.Equal(4, (await database.ChunksAndOwnersAsync()).Chunks);

        database.BeforeWrite = async _ =>
        {
            database.BeforeWrite = null;
            await other.SetAsync(["k"], Bytes(100_000, 7));
        };
        await one.DeleteAsync(["k"]);
        Assert.Equal((0, 0), await database.ChunksAndOwnersAsync());
        CommitResult failed = await one.Atomic().CheckAbsent(["k"]).Check(["k"], new Versionstamp(1)).Set(["k"], 1).CommitAsync();
        Assert.False(failed.IsCommitted);
        Assert.Equal(tells ? [1] : [], failed.FailedChecks);
    }

    [Fact]
    public async Task Writers_at_once_leave_no_chunk_of_another_behind()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            var kv = new Kv(Database);
            var random = new Random(writer);
            for (int i = 0; i < 60; i++)
            {
                KvKey key = ["k", random.Next(3)];
                if (random.Next(4) == 0) await kv.DeleteAsync(key);
                else await kv.SetAsync(key, Bytes(random.Next(2) == 0 ? 10 : 70_000 + random.Next(100_000)));
            }
        })));
        await CheckNothingIsLeftAsync(Kv, Database);
    }

    [Fact]
    public async Task More_keys_than_checks_are_written_at_once_all_the_same()
    {
        SteppedKvDatabase database = await OpenAsync(KvLimits.Embedded with { MaxChecks = 5, MaxRanges = 3 });
        Kv kv = new(database);
        for (int i = 0; i < 10; i++) await kv.SetAsync(["k", i], Bytes(70_000));
        database.BeforeWrite = async _ =>
        {
            database.BeforeWrite = null;
            await new Kv(database).SetAsync(["k", 3], Bytes(80_000, 3));
        };
        KvAtomic write = kv.Atomic();
        for (int i = 0; i < 10; i++) write.Set(["k", i], i);
        Assert.True((await write.CommitAsync()).IsCommitted);
        Assert.Equal((0, 0), await database.ChunksAndOwnersAsync());
        for (int i = 0; i < 5; i++) write.CheckAbsent(["none", i]);
        Assert.Contains("at most 4 checks, not 5", (await Assert.ThrowsAsync<ArgumentException>(async () => await write.CommitAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(KvLimits.MaxWriteBytes), 800_000, 5)]
    [InlineData(nameof(KvLimits.MaxKeyBytes), 70_000, 2_044)]
    public async Task What_a_database_does_not_take_is_refused_by_the_name_of_the_limit(string limit, int length, int keyLength)
    {
        SteppedKvDatabase database = await OpenAsync(KvLimits.Deno);
        Kv kv = new(database);
        await kv.SetAsync(["k"], Bytes(700_000));
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(async () => await kv.Atomic().Set([new string('k', keyLength)], Bytes(length)).Set(["j"], Bytes(65_536)).CommitAsync());
        Assert.Contains(limit, e.Message, StringComparison.Ordinal);
        Assert.Contains($"'{database.Capabilities.Database}'", e.Message, StringComparison.Ordinal);
        Assert.Equal(Bytes(700_000), (await kv.GetAsync<byte[]>(["k"]))!.Value);
    }

    [Fact]
    public async Task A_range_of_large_values_is_removed_within_the_limits()
    {
        SteppedKvDatabase database = await OpenAsync(KvLimits.Embedded with { MaxMutations = 40, MaxChecks = 10 });
        Kv kv = new(database);
        for (int i = 0; i < 20; i++) await kv.SetAsync(["k", i], Bytes(700_000));
        Assert.Equal(20, await kv.DeleteRangeAsync(KvSelector.All));
        Assert.Equal((0, 0), await database.ChunksAndOwnersAsync());
    }

    [Fact]
    public async Task What_others_leave_behind_is_reclaimed()
    {
        await Kv.SetAsync(["overwritten"], Bytes(100_000));
        await Kv.SetAsync(["deleted"], Bytes(100_000));
        await Kv.SetAsync(["kept"], Bytes(100_000));
        await WriteRawAsync(KvMutation.Set(KvKey.Of("overwritten").Encoded, KvValue.OfUInt64(1)));
        await WriteRawAsync(KvMutation.Delete(KvKey.Of("deleted").Encoded));
        Assert.Equal((6, 3), await Database.ChunksAndOwnersAsync());
        Assert.Equal(2, await Kv.ReclaimAsync());
        Assert.Equal((2, 1), await Database.ChunksAndOwnersAsync());
        Assert.Equal(0, await Kv.ReclaimAsync());
        Assert.Equal(Bytes(100_000), (await Kv.GetAsync<byte[]>(["kept"]))!.Value);
    }

    [Fact]
    public async Task What_others_overwrote_is_cleared_by_the_next_write()
    {
        await Kv.SetAsync(Key, Bytes(100_000));
        await WriteRawAsync(KvMutation.Set(Key.Encoded, KvValue.OfUInt64(1)));
        await Kv.SetAsync(Key, 2UL);
        Assert.Equal((0, 0), await Database.ChunksAndOwnersAsync());
    }

    [Fact]
    public async Task A_watch_tells_large_values_whole()
    {
        await Kv.SetAsync(Key, Bytes(100_000, 1));
        await using IAsyncEnumerator<KvEntry<byte[]>?> watch = Kv.WatchAsync<byte[]>(Key).GetAsyncEnumerator();
        Database.BeforeRead = async _ =>
        {
            // After the watch has read the manifest, and before the model reads the chunks.
            Database.BeforeRead = null;
            await new Kv(Database).SetAsync(Key, Bytes(120_000, 2));
        };
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(Bytes(120_000, 2), watch.Current!.Value);
        await Kv.DeleteAsync(Key);
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Null(watch.Current);
    }

    private static async Task CheckNothingIsLeftAsync(Kv kv, SteppedKvDatabase database)
    {
        int chunks = 0, owners = 0;
        await foreach (KvEntry<byte[]> entry in kv.ListAsync<byte[]>(KvSelector.All))
        {
            if (entry.Value.Length <= 65_536) continue;
            owners++;
            chunks += (entry.Value.Length + 65_535) / 65_536;
        }

        Assert.Equal((chunks, owners), await database.ChunksAndOwnersAsync());
    }

    private async Task WriteRawAsync(KvMutation mutation) => await Database.AtomicWriteAsync(new AtomicWrite { Mutations = [mutation] }, default);

    public sealed class OverMemory() : KvLargeValueTests(KvBackend.Memory);

    public sealed class OverDisk() : KvLargeValueTests(KvBackend.Disk);

    public sealed class OverSqlite() : KvLargeValueTests(KvBackend.Sqlite);
}
