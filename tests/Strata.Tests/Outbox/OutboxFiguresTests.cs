using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Strata.Tests;

/// <summary>What goes on in the background is seen: in the status, in the metrics and in the log.</summary>
public sealed class OutboxFiguresTests : OutboxFixture
{
    private readonly Meter _meter = new("Strata");
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, double> _figures = new();
    private readonly LineLog _log = new();

    public OutboxFiguresTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.Start();
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _listener.Dispose();
        _meter.Dispose();
        _log.Dispose();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task Every_attempt_is_counted_by_what_came_of_it_and_what_pends_is_told()
    {
        var outbox = new Outbox(Database, Options with { Store = "media", MaxAttempts = 2 }, Context with { Meter = _meter });
        OutboxOutcome[] answers = [OutboxOutcome.Done, OutboxOutcome.Failed("no"), OutboxOutcome.Later(TimeSpan.FromSeconds(2), "full"), OutboxOutcome.Poison("never"), OutboxOutcome.Unreachable("away")];
        for (int i = 0; i < answers.Length; i++)
        {
            Target.Answers(_ => answers[i]);
            await outbox.EnqueueAsync($"k{i}");
            Clock.Advance(TimeSpan.FromMilliseconds(200));
            await outbox.SendDueAsync(Target);
        }

        Observe();
        Assert.Equal(3, Figure("pending"));
        Assert.Equal((1, 1, 1), (Figure("sent"), Figure("put_off"), Figure("unreachable")));
        Assert.Equal((2, 1), (Figure("failed"), Figure("dead")));
        Target.Answers(intent => intent.Key == "k1" ? OutboxOutcome.Failed("no") : OutboxOutcome.Done);
        await PassAsync(outbox, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1));
        Observe();
        Assert.Equal(0, Figure("pending"));
        Assert.Equal((3, 2), (Figure("sent"), Figure("dead")));
        Assert.Equal(Figure("attempts"), Figure("sent") + Figure("failed") + Figure("unreachable") + Figure("put_off"));
        Assert.Equal(3, Figure("age count"));
        OutboxStatus status = await outbox.GetStatusAsync();
        Assert.Equal((0, 2), (status.Pending, status.Dead));
        Assert.NotNull(status.LastError);
    }

    [Fact]
    public async Task An_outage_is_told_when_it_begins_and_when_it_ends_and_failures_once_in_half_a_minute()
    {
        var outbox = new Outbox(Database, Options with { Store = "media", MaxAttempts = 1_000, FirstDelay = TimeSpan.FromSeconds(1), LongestDelay = TimeSpan.FromSeconds(1) }, Context with { Loggers = _log });
        Target.Answers(_ => OutboxOutcome.Unreachable("away"));
        await outbox.EnqueueAsync("k");
        await outbox.SendDueAsync(Target);
        await PassAsync(outbox, TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(1));
        string told = Assert.Single(_log.Lines);
        Assert.Contains("'media/test' cannot be reached", told, StringComparison.Ordinal);
        Assert.Contains("away", told, StringComparison.Ordinal);

        // One that fails has reached it.
        Target.Answers(_ => OutboxOutcome.Failed("refused"));
        await PassAsync(outbox, TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(1));
        string[] lines = [.. _log.Lines.Skip(1)];
        Assert.Contains("reached again", lines[0], StringComparison.Ordinal);
        Assert.All(lines[1..], line => Assert.Contains("'k' of outbox 'media/test' failed and is tried again, or given up: refused", line, StringComparison.Ordinal));
        Assert.InRange(lines.Length - 1, 2, 5);
        Assert.DoesNotContain("(0 others", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_send_that_does_not_end_though_it_is_cancelled_does_not_hold_up_the_end_for_ever_and_is_told()
    {
        var outbox = new Outbox(Database, Options with { DrainTimeout = TimeSpan.Zero, Grace = TimeSpan.FromMilliseconds(100) }, Context with { Loggers = _log });
        var never = new TaskCompletionSource<OutboxOutcome>();
        Target.Answer = (_, _) => new(never.Task);
        await outbox.EnqueueAsync("k");
        using var stop = new CancellationTokenSource();
        Task worker = outbox.RunAsync(Target, stop.Token);
        await Eventually.HoldsAsync(() => Target.Sent.Count == 1, "it was not sent");
        await stop.CancelAsync();
        await worker.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Contains("do not end", Assert.Single(_log.Lines), StringComparison.Ordinal);
        Assert.Equal(1, (await outbox.GetStatusAsync()).Pending);
        never.SetResult(OutboxOutcome.Done);
    }

    private double Figure(string name) => _figures.GetValueOrDefault($"strata.outbox.{name}");

    private void Observe()
    {
        _figures.TryRemove("strata.outbox.pending", out _);
        _listener.RecordObservableInstruments();
    }

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length != 1 || tags[0].Key != "outbox" || tags[0].Value as string != "media/test") return;
        string name = instrument is Histogram<double> ? $"{instrument.Name} count" : instrument.Name;
        _figures.AddOrUpdate(name, instrument is Histogram<double> ? 1 : value, (_, before) => before + (instrument is Histogram<double> ? 1 : value));
    }

    /// <summary>The lines of a log, as they read.</summary>
    private sealed class LineLog : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => NullLogger.Instance.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) Lines.Enqueue(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
