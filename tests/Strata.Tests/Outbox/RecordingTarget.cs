using System.Collections.Concurrent;

namespace Strata.Tests;

/// <summary>A target of an outbox that answers as a test says, notes what it was sent, and finds out whether a key was sent twice at once.</summary>
internal sealed class RecordingTarget : IOutboxTarget
{
    private readonly ConcurrentDictionary<string, int> _inside = new();

    public ConcurrentQueue<OutboxIntent> Sent { get; } = new();

    public ConcurrentQueue<DateTimeOffset> Times { get; } = new();

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What comes of a send; Done if it is null.</summary>
    public Func<OutboxIntent, CancellationToken, ValueTask<OutboxOutcome>>? Answer { get; set; }

    /// <summary>A key was sent by two at once.</summary>
    public bool HasOverlapped { get; private set; }

    public void Answers(Func<OutboxIntent, OutboxOutcome> answer) => Answer = (intent, _) => new(answer(intent));

    public async ValueTask<OutboxOutcome> SendAsync(OutboxIntent intent, CancellationToken cancellationToken)
    {
        if (_inside.AddOrUpdate(intent.Key, 1, (_, n) => n + 1) > 1) HasOverlapped = true;
        try
        {
            Times.Enqueue(Clock.GetUtcNow());
            Sent.Enqueue(intent);
            return Answer is { } answer ? await answer(intent, cancellationToken) : OutboxOutcome.Done;
        }
        finally
        {
            _inside.AddOrUpdate(intent.Key, 0, (_, n) => n - 1);
        }
    }
}
