using System.Collections.Concurrent;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// Random changes of a store, random outcomes of a target, and workers that die between any two rows, against what must hold:
/// where a key has no row, the target has its state; and in the end it has that of every key.
/// </summary>
public sealed class OutboxModelTests : IDisposable
{
    private const int Keys = 5;
    private readonly TempFolder _folder = new();
    private int _folders;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Whatever_dies_the_target_has_in_the_end_what_the_store_has()
    {
        int seed = TestSeed.Next(), sequences = LongForm.Of(2_000, 150);
        for (int i = 0; i < sequences; i++) await RunAsync(seed + i, (context, _) => new(new MemoryBlobStore(null, context)));
    }

    [Fact]
    public async Task The_same_over_a_disk_store_that_is_opened_again()
    {
        int seed = TestSeed.Next(), sequences = LongForm.Of(200, 15);
        for (int i = 0; i < sequences; i++)
        {
            string path = _folder.Sub($"{_folders++}");
            await RunAsync(seed + i, async (context, _) => await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = DiskDurability.OperatingSystem }, context), reopens: true);
        }
    }

    [Fact]
    public async Task Two_workers_and_many_writers_at_once_send_each_key_one_at_a_time_and_forget_none()
    {
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder.Sub("two"), Durability = DiskDurability.OperatingSystem });
        var options = new OutboxOptions { Name = "two", FirstDelay = TimeSpan.FromMilliseconds(5), LongestDelay = TimeSpan.FromMilliseconds(20), LongestProbeDelay = TimeSpan.FromMilliseconds(20), MaxAttempts = 1_000 };
        Outbox first = new(store.Rows, options), second = new(store.Rows, options);
        store.Record(change => first.Intend(change.Key.ToString()));
        var states = new ConcurrentDictionary<string, ulong>();
        var random = new Random(1);
        var target = new RecordingTarget
        {
            Answer = async (intent, token) =>
            {
                ulong state = (await store.StatAsync(BlobKey.Parse(intent.Key), token))?.Version.Value ?? 0;
                await Task.Yield();
                int dice;
                lock (random) dice = random.Next(10);
                if (dice == 0) return OutboxOutcome.Failed("no");
                if (dice == 1) return OutboxOutcome.Unreachable("out");
                states[intent.Key] = state;
                return OutboxOutcome.Done;
            },
        };
        using var stop = new CancellationTokenSource();
        Task workers = Task.WhenAll(first.RunAsync(target, stop.Token), second.RunAsync(target, stop.Token));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                var key = BlobKey.Parse($"k{(i + w) % 7}");
                if (i % 10 == 9) await store.DeleteAsync(key);
                else await store.PutBytesAsync(key, new byte[10]);
            }
        })));
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        Assert.Equal(0, await first.FlushAsync(enough.Token));
        await stop.CancelAsync();
        await workers;
        Assert.False(target.HasOverlapped, "A key was sent by two at once.");
        for (int k = 0; k < 7; k++) Assert.Equal((await store.StatAsync(BlobKey.Parse($"k{k}")))?.Version.Value ?? 0, states[$"k{k}"]);
        Assert.Equal(0, (await second.GetStatusAsync()).Pending);
    }

    [Fact]
    public async Task Two_processes_over_one_SQLite_file_send_each_intent_and_no_key_at_once()
    {
        await using var fixture = new SqliteKvFixture();
        await using IKvDatabase one = await fixture.OpenAsync(), other = await fixture.OpenAsync();
        var context = new StoreContext { Clock = TimeProvider.System };
        var options = new OutboxOptions { Name = "shared", PollInterval = TimeSpan.FromMilliseconds(50) };
        Outbox first = new(one, options, context), second = new(other, options, context);
        var target = new RecordingTarget { Answer = async (_, token) => { await Task.Delay(1, token); return OutboxOutcome.Done; } };
        using var stop = new CancellationTokenSource();
        Task workers = Task.WhenAll(first.RunAsync(target, stop.Token), second.RunAsync(target, stop.Token));
        for (int i = 0; i < 60; i++) await (i % 2 == 0 ? first : second).EnqueueAsync($"k{i % 20}", BitConverter.GetBytes(i));
        await Eventually.HoldsAsync(async () => (await first.GetStatusAsync()).Pending == 0, what: "Not all was sent.");
        await stop.CancelAsync();
        await workers;
        Assert.False(target.HasOverlapped, "A key was sent by two at once.");
        for (int k = 0; k < 20; k++) Assert.Equal(40 + k, BitConverter.ToInt32(target.Sent.Last(s => s.Key == $"k{k}").Data.Span));
    }

    private static async Task RunAsync(int seed, Func<StoreContext, int, ValueTask<IBlobStore>> open, bool reopens = false) =>
        await new History(seed, open, reopens).RunAsync();

    /// <summary>One random history of a store whose changes leave intents, and of workers that die between any two rows.</summary>
    private sealed class History
    {
        private readonly int _seed;
        private readonly Func<StoreContext, int, ValueTask<IBlobStore>> _open;
        private readonly bool _reopens;
        private readonly Random _random;
        private readonly FakeClock _clock = new();
        private readonly StoreContext _context;
        private readonly OutboxOptions _options;
        private readonly Dictionary<string, ulong> _sent = [];
        private readonly RecordingTarget _target = new();
        private IBlobStore _store = null!;

        public History(int seed, Func<StoreContext, int, ValueTask<IBlobStore>> open, bool reopens)
        {
            (_seed, _open, _reopens, _random) = (seed, open, reopens, new Random(seed));
            _context = new StoreContext { Clock = _clock };
            _options = new OutboxOptions { Name = "model", Parallelism = 1 + _random.Next(4), MaxAttempts = 4 };
        }

        private IKvDatabase Rows => _store.TryGetFacet(out IStateRows? facet) ? facet.Rows : throw new InvalidOperationException();

        public async Task RunAsync()
        {
            await OpenAsync(0);
            try
            {
                for (int step = 0; step < 60; step++)
                {
                    await StepAsync(step);
                    await CheckAsync(step);
                }

                await DrainAsync();
                await CheckAsync(-1);
            }
            finally
            {
                await _store.DisposeAsync();
            }
        }

        private async Task StepAsync(int step)
        {
            string key = $"k{_random.Next(Keys)}";
            switch (_random.Next(7))
            {
                case 0 or 1:
                    await _store.PutBytesAsync(BlobKey.Parse(key), new byte[_random.Next(50)]);
                    break;
                case 2:
                    await _store.DeleteAsync(BlobKey.Parse(key));
                    break;
                case 3:
                    _clock.Advance(TimeSpan.FromSeconds(_random.Next(40)));
                    break;
                case 4 when _reopens && _random.Next(4) == 0:
                    await _store.DisposeAsync();
                    await OpenAsync(step);
                    break;
                default:
                    await WorkAsync(_random.Next(3) == 0 ? 0 : _random.Next(1, 12));
                    break;
            }
        }

        private async Task OpenAsync(int step)
        {
            _store = await _open(_context, step);
            Assert.True(_store.TryGetFacet(out IStateRows? facet));
            var outbox = new Outbox(facet.Rows, _options, _context);
            facet.Record(change => outbox.Intend(change.Key.ToString()));
        }

        /// <summary>A worker that may die before or after one of its commits.</summary>
        private async Task WorkAsync(int dieAt)
        {
            var mortal = new MortalDatabase(Rows) { DiesAfterCommit = _random.Next(2) == 0 };
            if (dieAt > 0) mortal.DieAt(dieAt);
            _target.Answer = async (intent, _) =>
            {
                OutboxOutcome outcome;
                lock (_random) outcome = _random.Next(8) switch { 0 or 1 => OutboxOutcome.Failed("no"), 2 => OutboxOutcome.Unreachable("out"), 3 => OutboxOutcome.Poison("never"), _ => OutboxOutcome.Done };
                bool changes;
                lock (_random) changes = _random.Next(6) == 0;
                OutboxOutcome result = await TakeAsync(intent, outcome);

                // Between the send and its settling.
                if (changes) await _store.PutBytesAsync(BlobKey.Parse(intent.Key), new byte[1], cancellationToken: CancellationToken.None);
                return result;
            };
            try
            {
                await new Outbox(mortal, _options, _context).SendDueAsync(_target);
            }
            catch (StorageException) when (mortal.IsDead)
            {
                // Here its process ends.
            }
        }

        /// <summary>Once all works again nothing is left.</summary>
        private async Task DrainAsync()
        {
            _target.Answer = (intent, _) => TakeAsync(intent, OutboxOutcome.Done);
            Outbox last = new(Rows, _options, _context);
            for (int i = 0; i < 3; i++)
            {
                _clock.Advance(TimeSpan.FromMinutes(6));
                await last.SendDueAsync(_target);
            }

            foreach (OutboxDeadLetter dead in await last.ListDeadLettersAsync().ToListAsync()) Assert.True(await last.ReplayAsync(dead.Key));
            await last.SendDueAsync(_target);
            OutboxStatus status = await last.GetStatusAsync();
            Assert.Equal((0, 0), (status.Pending, status.Dead));
        }

        private async ValueTask<OutboxOutcome> TakeAsync(OutboxIntent intent, OutboxOutcome outcome)
        {
            ulong state = (await _store.StatAsync(BlobKey.Parse(intent.Key)))?.Version.Value ?? 0;
            if (outcome.Kind == OutboxOutcomeKind.Done)
            {
                lock (_sent) _sent[intent.Key] = state;
            }

            return outcome;
        }

        /// <summary>A key without a row is one whose state the target has.</summary>
        private async Task CheckAsync(int step)
        {
            var keys = new OutboxKeys("model");
            for (int k = 0; k < Keys; k++)
            {
                string key = $"k{k}";
                IReadOnlyList<KvRange> rows = await Rows.SnapshotReadAsync([ReadRange.Of(keys.Change(key)), ReadRange.Of(keys.State(key)), ReadRange.Of(keys.DeadLetter(key))], null, CancellationToken.None);
                if (rows.Any(r => r.Entries.Count > 0)) continue;
                ulong state = (await _store.StatAsync(BlobKey.Parse(key)))?.Version.Value ?? 0;
                Assert.True(_sent.GetValueOrDefault(key) == state, $"seed {_seed}, step {step}: '{key}' has no intent, and the target has {_sent.GetValueOrDefault(key)} where the store has {state}");
            }
        }
    }
}
