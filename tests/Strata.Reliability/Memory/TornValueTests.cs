using System.Buffers;
using System.Diagnostics;
using Strata.Testing;

namespace Strata.Reliability;

/// <summary>
/// Readers of the memory store against everything that changes an entry at once: overwrites of other lengths, deletes,
/// eviction, a budget that moves. A hit hands out the stored bytes themselves, so that a mistake here is a wrong answer.
/// </summary>
public sealed class TornValueTests(ITestOutputHelper output)
{
    private const int Keys = 400;
    private const int MaxBytes = 4 << 20;
    private const int LongestValue = 200_000;

    [Fact]
    public async Task No_reader_sees_a_value_that_nobody_wrote_under_its_key()
    {
        int seed = TestSeed.Next();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = 128 << 20 }) { MaxBytes = MaxBytes };
        var run = new Run(store, seed, LongForm.Of(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(3)));
        await run.WaitAsync();
        StoreStatistics end = store.GetStatistics();
        output.WriteLine($"seed {seed}: {run.Hits} hits, {run.Misses} misses, {run.Held} results checked again later, {run.Writes} writes, {end.Evictions} evictions, {run.TooLong} values refused as too long");
        Assert.True(run.Hits > 1_000 && run.Misses > 0 && run.Held > 100, "too little was read to show anything");
        Assert.True(end.Evictions > 100, "without evictions the test shows less than it says");
        Assert.True(run.TooLong > 0, "the budget never moved below what the longest value needs");
    }

    private sealed class Run
    {
        private readonly BlobKey[] _keys = [.. Enumerable.Range(0, Keys).Select(i => BlobKey.Parse(i % 7 == 0 ? $"schlüssel/{i}" : $"key/{i}"))];
        private readonly MemoryBlobStore _store;
        private readonly Task[] _threads;
        private readonly TimeSpan _time;
        private readonly long _start = Stopwatch.GetTimestamp();
        private long _hits;
        private long _misses;
        private long _held;
        private long _writes;
        private long _tooLong;
        private volatile bool _failed;

        public Run(MemoryBlobStore store, int seed, TimeSpan time)
        {
            _store = store;
            _time = time;
            _threads =
            [
                .. Enumerable.Range(0, 3).Select(i => Start(() => WriteAsync(new Random(HashCode.Combine(seed, i))))),
                .. Enumerable.Range(3, 3).Select(i => Start(() => ReadAsync(new Random(HashCode.Combine(seed, i))))),
            ];
        }

        public long Hits => Volatile.Read(ref _hits);

        public long Misses => Volatile.Read(ref _misses);

        public long Held => Volatile.Read(ref _held);

        public long Writes => Volatile.Read(ref _writes);

        public long TooLong => Volatile.Read(ref _tooLong);

        private bool IsOver => _failed || Stopwatch.GetElapsedTime(_start) > _time;

        public Task WaitAsync() => Task.WhenAll(_threads);

        private Task Start(Func<Task> body) => Task.Factory.StartNew(
            async () =>
            {
                try
                {
                    await body();
                }
                catch
                {
                    _failed = true;
                    throw;
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap();

        private async Task WriteAsync(Random random)
        {
            while (!IsOver)
            {
                if (random.Next(50) == 0) _store.MaxBytes = random.NextInt64(MaxBytes / 4, MaxBytes + 1);
                int number = random.Next(Keys);
                byte[] value = SeededValue.Make(number, random.Next(), SeededValue.LeastBytes + (int)(Math.Pow(random.NextDouble(), 4) * LongestValue));
                try
                {
                    await ChangeAsync(random.Next(10), _keys[number], value);
                    Interlocked.Increment(ref _writes);
                }
                catch (StorageException e) when (e.Kind == StorageErrorKind.TooLarge)
                {
                    Interlocked.Increment(ref _tooLong);
                }
            }
        }

        private async Task ChangeAsync(int how, BlobKey key, byte[] value)
        {
            switch (how)
            {
                case 0:
                    await _store.DeleteAsync(key);
                    break;
                case 1:
                    await _store.UpdateAsync(key, new BlobChanges { ContentType = "text/plain" });
                    break;
                case 2:
                    await _store.CopyAsync(key, key, new CopyOptions { Replace = new BlobChanges { ContentType = "text/html" } });
                    break;
                case 3:
                    await _store.WriteAsync(key, BlobContent.FromStream(new MemoryStream(value), value.Length));
                    break;
                case 4:
                    await _store.WriteAsync(key, BlobContent.FromStream(new MemoryStream(value)));
                    break;
                case 5:
                    await using (IBlobWriter writer = await _store.OpenWriterAsync(key))
                    {
                        await writer.WriteAsync(value.AsMemory(0, value.Length / 2), CancellationToken.None);
                        await writer.WriteAsync(value.AsMemory(value.Length / 2), CancellationToken.None);
                        await writer.CommitAsync(null, CancellationToken.None);
                    }

                    break;
                default:
                    await _store.PutBytesAsync(key, value);
                    break;
            }

            // The caller's buffer is its own again.
            value.AsSpan().Fill(0xEE);
        }

        private async Task ReadAsync(Random random)
        {
            var held = new (BlobReadResult Result, int Number, int Seed)?[64];
            while (!IsOver)
            {
                int number = random.Next(Keys);
                BlobReadResult? hit = random.Next(2) == 0 ? (_store.TryRead(_keys[number], out BlobReadResult? found) ? found : null) : await _store.ReadAsync(_keys[number]);
                if (hit is null)
                {
                    Interlocked.Increment(ref _misses);
                    continue;
                }

                Interlocked.Increment(ref _hits);
                int seed = Check(hit, number);
                if (random.Next(8) == 0) await CheckRangeAsync(random, hit, _keys[number]);
                ref (BlobReadResult Result, int Number, int Seed)? place = ref held[random.Next(held.Length)];
                if (place is { } kept)
                {
                    Assert.Equal(kept.Seed, Check(kept.Result, kept.Number));
                    Interlocked.Increment(ref _held);
                }

                place = (hit, number, seed);
            }
        }

        /// <summary>The bytes and what the metadata says of them.</summary>
        private int Check(BlobReadResult hit, int number)
        {
            Assert.True(hit.TryGetSequence(out ReadOnlySequence<byte> sequence) && sequence.IsSingleSegment);
            ReadOnlySpan<byte> bytes = sequence.FirstSpan;
            Assert.True(SeededValue.Fault(bytes, number) is null, $"key {number}: {SeededValue.Fault(bytes, number)}");
            BlobInfo info = hit.Info;
            Assert.Equal((_keys[number], (long)bytes.Length, Crc32C.Of(bytes)), (info.Key, info.Length, info.Checksum));
            return SeededValue.SeedOf(bytes);
        }

        private async Task CheckRangeAsync(Random random, BlobReadResult whole, BlobKey key)
        {
            whole.TryGetSequence(out ReadOnlySequence<byte> all);
            int offset = random.Next((int)whole.Length);
            BlobReadResult? part = await _store.ReadAsync(key, new ReadOptions { Range = BlobRange.From(offset), IfMatch = whole.Info.ETag });
            if (part?.Status != BlobReadStatus.Found) return;
            part.TryGetSequence(out ReadOnlySequence<byte> bytes);
            Assert.True(bytes.FirstSpan.SequenceEqual(all.FirstSpan[offset..]), $"the bytes of {key} from {offset} on are another write's, under the ETag of this one");
        }
    }
}
