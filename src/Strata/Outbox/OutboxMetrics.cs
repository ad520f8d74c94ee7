using System.Diagnostics.Metrics;

namespace Strata;

/// <summary>An outbox's instruments of the meter <c>Strata</c>; the tag is <c>outbox</c>, never keys.</summary>
internal sealed class OutboxMetrics
{
    private readonly Counter<long> _attempts, _sent, _failed, _unreachable, _putOff, _dead;
    private readonly Histogram<double> _age;
    private readonly KeyValuePair<string, object?> _tag;

    public OutboxMetrics(Meter meter, string name, OutboxRoom room)
    {
        _tag = new("outbox", name);
        _attempts = meter.CreateCounter<long>("strata.outbox.attempts", "{attempt}", "Sends begun");
        _sent = meter.CreateCounter<long>("strata.outbox.sent", "{intent}", "Intents that the target has");
        _failed = meter.CreateCounter<long>("strata.outbox.failed", "{attempt}", "Attempts that failed");
        _unreachable = meter.CreateCounter<long>("strata.outbox.unreachable", "{attempt}", "Attempts that did not reach the target");
        _putOff = meter.CreateCounter<long>("strata.outbox.put_off", "{attempt}", "Attempts after which the target is given time: it is full, or not sure yet");
        _dead = meter.CreateCounter<long>("strata.outbox.dead", "{intent}", "Intents given up");
        _age = meter.CreateHistogram<double>("strata.outbox.age", "s", "From an intent's coming until the target has it");

        // The meter outlives the outbox, and may not keep it.
        var measured = new WeakReference<OutboxRoom>(room);
        KeyValuePair<string, object?> tag = _tag;
        meter.CreateObservableUpDownCounter<long>("strata.outbox.pending", () => measured.TryGetTarget(out OutboxRoom? counted) ? [new Measurement<long>(counted.Pending, tag)] : [], "{intent}", "Intents that are not sent yet, at most");
    }

    public void Began() => _attempts.Add(1, _tag);

    public void Sent(TimeSpan age)
    {
        _sent.Add(1, _tag);
        _age.Record(Math.Max(0, age.TotalSeconds), _tag);
    }

    public void Failed() => _failed.Add(1, _tag);

    public void Unreachable() => _unreachable.Add(1, _tag);

    public void PutOff() => _putOff.Add(1, _tag);

    public void Dead() => _dead.Add(1, _tag);
}
