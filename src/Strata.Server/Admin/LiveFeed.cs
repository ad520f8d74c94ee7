using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Strata.Server;

/// <summary>
/// What the stores do, as server-sent events (HTML standard, section 9.2): <c>stores</c> at once and every second,
/// <c>moves</c> at once with all that is remembered, then with what is new.
/// </summary>
/// <remarks>
/// All listeners wake on the same beat and share the snapshot that the first of them takes, so that the stores are
/// asked once a second however many listen, and never while nobody does. A listener that reads slowly waits in its own
/// write; nothing is queued for it, and it goes on with the newest figures. An event's <c>id</c> is the snapshot's time
/// in ms on a clock that never steps back, from which a reader computes rates.
/// </remarks>
internal sealed class LiveFeed(IReadOnlyDictionary<string, IBlobStore> stores, TimeProvider clock)
{
    /// <summary>The most listeners at once.</summary>
    public const int MaxListeners = 32;

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    private readonly long _start = clock.GetTimestamp();
    private readonly Lock _lock = new();
    private Snapshot? _latest;
    private int _listeners;

    /// <summary>Takes a listener's place, which <see cref="Leave"/> gives back; false if all are taken.</summary>
    public bool TryJoin()
    {
        if (Interlocked.Increment(ref _listeners) <= MaxListeners) return true;
        Leave();
        return false;
    }

    /// <summary>Gives a listener's place back.</summary>
    public void Leave() => Interlocked.Decrement(ref _listeners);

    /// <summary>Writes events until cancelled, or until the output is closed.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="isAllowed">Asked at each beat: whether the listener may go on; null if always.</param>
    /// <param name="cancellationToken">Ends the feed.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task WriteAsync(PipeWriter output, Func<bool>? isAllowed, CancellationToken cancellationToken)
    {
        var told = new Dictionary<string, (long Sequence, DateTimeOffset Time)>();
        bool first = true;
        output.Write("retry: 1000\n\n"u8);
        while (isAllowed?.Invoke() ?? true)
        {
            Snapshot snapshot = Latest();
            WriteEvent(output, "stores", snapshot.Milliseconds, snapshot.Stores);
            TierEventWire[] moves = [.. snapshot.Moves.Where(move => IsNew(move, told.GetValueOrDefault(move.Store)))];
            foreach (TierEventWire move in moves) told[move.Store] = (move.Sequence, move.Time);
            if (first || moves.Length > 0) WriteEvent(output, "moves", snapshot.Milliseconds, Json(moves, AdminJson.Context.TierEventWireArray));
            first = false;
            FlushResult flushed = await output.FlushAsync(cancellationToken);
            if (flushed.IsCompleted) return;
            await NextBeatAsync(snapshot, cancellationToken);
        }
    }

    /// <summary>A store counts its own moves; one that took the name of a deleted one counts anew.</summary>
    private static bool IsNew(TierEventWire move, (long Sequence, DateTimeOffset Time) told) => move.Sequence > told.Sequence || move.Time > told.Time;

    private Snapshot Latest()
    {
        lock (_lock)
        {
            TimeSpan now = clock.GetElapsedTime(_start);
            if (_latest is not null && BeatOf(_latest.Time) == BeatOf(now)) return _latest;
            StoreWire[] figures = StoreWire.From(stores);
            return _latest = new Snapshot(now, Json(figures, AdminJson.Context.StoreWireArray), TierEventWire.From(stores));
        }
    }

    private async Task NextBeatAsync(Snapshot snapshot, CancellationToken cancellationToken)
    {
        TimeSpan next = Beat * (BeatOf(snapshot.Time) + 1);

        // A timer may fire a moment early, which would show the same snapshot again.
        for (TimeSpan wait; (wait = next - clock.GetElapsedTime(_start)) > TimeSpan.Zero;)
            await Task.Delay(wait + TimeSpan.FromMilliseconds(1), clock, cancellationToken);
    }

    private static long BeatOf(TimeSpan time) => time.Ticks / Beat.Ticks;

    private static byte[] Json<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    private static void WriteEvent(PipeWriter output, string name, long id, byte[] json)
    {
        // JSON as it is written here has no line break, which would end the event.
        Encoding.UTF8.GetBytes($"event: {name}\nid: {id}\ndata: ", output);
        output.Write(json);
        output.Write("\n\n"u8);
    }

    /// <param name="Time">Since the feed was made.</param>
    /// <param name="Stores">The figures as JSON.</param>
    /// <param name="Moves">What the stores remember, oldest first.</param>
    private sealed record Snapshot(TimeSpan Time, byte[] Stores, IReadOnlyList<TierEventWire> Moves)
    {
        public long Milliseconds => (long)Time.TotalMilliseconds;
    }
}
