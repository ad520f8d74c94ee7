using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Random changes, moves, faults of tiers and index, unknown outcomes and restarts against a map of what must be there.</summary>
public sealed class ExclusiveModelTests(ITestOutputHelper output)
{
    private const int Keys = 4, Steps = 40;

    [Fact]
    public async Task Whatever_fails_the_store_holds_what_was_acknowledged()
    {
        int seed = TestSeed.Next(), sequences = LongForm.Of(20_000, 600);
        int unknown = 0, moved = 0, refused = 0;
        for (int i = 0; i < sequences; i++)
        {
            var run = new Run(seed + i);
            await run.PlayAsync(isRemote: i % 2 == 1, isShared: i % 4 >= 2);
            (unknown, moved, refused) = (unknown + run.Unknown, moved + run.Moved, refused + run.Refused);
        }

        output.WriteLine($"{sequences} sequences of {Steps} steps: {moved} moves, {refused} refusals, {unknown} unknown outcomes.");
        Assert.True(moved > sequences / 5 && unknown > sequences / 2 && refused > sequences, $"{moved} moves, {refused} refusals and {unknown} unknown outcomes are too few to prove anything.");
    }

    /// <summary>What a key may hold: its value by the last acknowledged change, or one of those of unknown outcome since.</summary>
    private sealed class Run(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly Dictionary<string, HashSet<string>> _allowed = [];
        private double _trouble;
        private int _value;

        public int Unknown { get; private set; }

        public int Moved { get; private set; }

        public int Refused { get; private set; }

        public async Task PlayAsync(bool isRemote, bool isShared)
        {
            await using HomesFixture f = isShared ? await HomesFixture.OpenSharedAsync(isRemote) : await HomesFixture.OpenAsync(isRemote);
            foreach (StagedTier tier in (StagedTier[])[f.WarmStage, f.ColdStage])
            {
                tier.Before = _ => Strike(WriteOutcome.NotApplied);
                tier.After = operation => operation is StoreOperation.Write or StoreOperation.Delete or StoreOperation.Update or StoreOperation.CompleteUpload ? Strike(WriteOutcome.Unknown) : Task.CompletedTask;
            }

            f.Index.Fails = _ => _random.NextDouble() < _trouble / 2 ? HomesFixture.Down() : null;
            for (int step = 0; step < Steps; step++)
            {
                _trouble = step % 10 < 7 ? 0.1 : 0;
                BlobKey key = BlobKey.Parse($"k{_random.Next(Keys)}");
                await StepAsync(f, key, $"seed {seed}, step {step}");
                if (_random.Next(12) == 0) await RestartAsync(f);
                if (_random.Next(15) == 0) f.Clock.Advance(TimeSpan.FromMinutes(_random.Next(1, 20)));
            }

            await EndAsync(f);
        }

        private async Task StepAsync(HomesFixture f, BlobKey key, string context)
        {
            HashSet<string> allowed = _allowed.TryGetValue(key.Value, out HashSet<string>? known) ? known : _allowed[key.Value] = ["none"];
            int length = _random.Next(2) == 0 ? 20 : 200;
            byte fill = (byte)(++_value % 250);
            switch (_random.Next(10))
            {
                case 9:
                    await ChangeAsync(allowed, $"{length} of {fill}", async () => await f.UploadAsync(length, fill, key: key));
                    break;
                case 0 or 1 or 2:
                    await ChangeAsync(allowed, $"{length} of {fill}", async () => Assert.True((await f.Store.PutBytesAsync(key, HomesFixture.Bytes(length, fill))).IsWritten));
                    break;
                case 3:
                    await ChangeAsync(allowed, "none", async () => await f.Store.DeleteAsync(key));
                    break;
                case 4:
                    await MoveAsync(f, key);
                    break;
                case 5:
                    await UpdateAsync(f, key, allowed);
                    break;
                default:
                    if (await LookAsync(f.Store, key) is not { } seen) return;
                    Assert.True(allowed.Contains(seen), $"{context}: '{key}' is {seen}, and should be {string.Join(" or ", allowed)}.");
                    if (f.Store.Pending == 0) allowed.RemoveWhere(value => value != seen);
                    break;
            }
        }

        /// <summary>An acknowledged change leaves one value; one that was refused all that there were; one of unknown outcome its own as well.</summary>
        private async Task ChangeAsync(HashSet<string> allowed, string value, Func<Task> change)
        {
            try
            {
                await change();
                allowed.Clear();
                allowed.Add(value);
            }
            catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
            {
                Unknown++;
                allowed.Add(value);
            }
            catch (StorageException)
            {
                Refused++;
            }
        }

        private async Task MoveAsync(HomesFixture f, BlobKey key)
        {
            try
            {
                if (await f.Store.MoveAsync(key, _random.Next(2) == 0 ? "warm" : "cold", false, CancellationToken.None) == MoveStatus.Moved) Moved++;
            }
            catch (StorageException)
            {
                Refused++;
            }
        }

        /// <summary>An update keeps the bytes, whatever comes of it.</summary>
        private async Task UpdateAsync(HomesFixture f, BlobKey key, HashSet<string> allowed)
        {
            try
            {
                WriteResult result = await f.Store.UpdateAsync(key, new BlobChanges { ContentType = $"t/{_random.Next(100)}" });
                if (result.Status == WriteStatus.Missing) Assert.Contains("none", allowed);
            }
            catch (StorageException)
            {
                Refused++;
            }
        }

        private async Task RestartAsync(HomesFixture f)
        {
            double before = _trouble;
            _trouble = 0;
            await f.ReopenAsync();
            _trouble = before;
        }

        /// <summary>All is well again: what is there is what may be, and in one tier.</summary>
        private async Task EndAsync(HomesFixture f)
        {
            _trouble = 0;
            if (_random.Next(2) == 0) await f.ReopenAsync();
            for (int i = 0; i < 3; i++)
            {
                f.Clock.Advance(TimeSpan.FromMinutes(16));
                await f.Store.SettleNowAsync();
            }

            await Eventually.HoldsAsync(() => f.Store.Pending == 0, $"seed {seed}: the journal is not worked off.");
            var homes = (await f.Store.ListPageAsync(new ListRequest())).Items.ToDictionary(info => info.Key.Value, info => info.Tier);
            foreach ((string key, HashSet<string> allowed) in _allowed)
            {
                string? seen = await LookAsync(f.Store, BlobKey.Parse(key));
                Assert.True(seen is not null && allowed.Contains(seen), $"seed {seed}, end: '{key}' is {seen}, and should be {string.Join(" or ", allowed)}.");
            }

            foreach ((string tier, MemoryBlobStore store) in ((string, MemoryBlobStore)[])[("warm", f.Warm), ("cold", f.Cold)])
            {
                foreach (BlobInfo info in (await store.ListPageAsync(new ListRequest())).Items)
                    Assert.True(homes.TryGetValue(info.Key.Value, out string? home) && home == tier, $"seed {seed}: tier '{tier}' holds '{info.Key}', whose home is '{home ?? "nowhere"}'.");
            }
        }

        private static async Task<string?> LookAsync(ExclusiveBlobStore store, BlobKey key)
        {
            try
            {
                return await store.GetBytesAsync(key) is { } bytes ? $"{bytes.Length} of {bytes[0]}" : "none";
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Unavailable)
            {
                return null;
            }
        }

        private Task Strike(WriteOutcome outcome) => _random.NextDouble() < _trouble ? throw HomesFixture.Down(outcome) : Task.CompletedTask;
    }
}
