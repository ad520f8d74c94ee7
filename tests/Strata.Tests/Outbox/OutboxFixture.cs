using Strata.Testing;

namespace Strata.Tests;

/// <summary>An outbox in a memory database, with a clock that stands still.</summary>
public abstract class OutboxFixture : IAsyncDisposable
{
    private readonly MemoryKvDatabase _database;

    protected OutboxFixture()
    {
        Context = new StoreContext { Clock = Clock };
        _database = new MemoryKvDatabase(null, Context);
        Target = new RecordingTarget { Clock = Clock };
    }

    private protected FakeClock Clock { get; } = new();

    private protected StoreContext Context { get; }

    private protected IKvDatabase Database => _database;

    private protected RecordingTarget Target { get; }

    private protected static OutboxOptions Options => new() { Name = "test" };

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _database.DisposeAsync();
    }

    private protected Outbox NewOutbox(OutboxOptions? options = null, IKvDatabase? database = null) => new(database ?? Database, options ?? Options, Context);

    /// <summary>What is left in the database, beside the bell.</summary>
    private protected async Task<long> RowsAsync()
    {
        IReadOnlyList<KvRange> found = await Database.SnapshotReadAsync([new ReadRange(new byte[] { 0 }, new byte[] { 255, 255 }, 1_000)], null, CancellationToken.None);
        return found[0].Entries.Count - 1;
    }

    /// <summary>Lets time pass, and sends what comes due on the way.</summary>
    private protected async Task PassAsync(Outbox outbox, TimeSpan time, TimeSpan step)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time; passed += step)
        {
            Clock.Advance(step);
            await outbox.SendDueAsync(Target);
        }
    }

    private protected static byte[] Data(int number) => BitConverter.GetBytes(number);
}
