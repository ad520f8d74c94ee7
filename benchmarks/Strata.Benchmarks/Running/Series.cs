namespace Strata.Benchmarks;

/// <summary>One number a round, of one side of a comparison.</summary>
internal sealed class Series(string name, IEnumerable<double> values)
{
    private readonly double[] _sorted = [.. values.Order()];

    public string Name => name;

    public double Median => _sorted.Length % 2 == 1
        ? _sorted[_sorted.Length / 2]
        : (_sorted[(_sorted.Length / 2) - 1] + _sorted[_sorted.Length / 2]) / 2;

    public double Min => _sorted[0];

    public double Max => _sorted[^1];

    public static Series Nanoseconds(Lane lane) => new(lane.Name, lane.Samples.Select(s => s.Elapsed.TotalNanoseconds / s.Operations));

    public static Series Microseconds(Lane lane) => new(lane.Name, lane.Samples.Select(s => s.Elapsed.TotalMicroseconds / s.Operations));

    public static Series ServerMicroseconds(Lane lane) => new(lane.Name, lane.Samples.Select(s => s.ServerTime.TotalMicroseconds / s.Operations));

    /// <summary>Operations a second, or what an operation has several of.</summary>
    public static Series PerSecond(Lane lane, int each = 1) => new(lane.Name, lane.Samples.Select(s => s.Operations * each / s.Elapsed.TotalSeconds));

    public static Series MebibytesPerSecond(Lane lane, long bytes) =>
        new(lane.Name, lane.Samples.Select(s => s.Operations * (bytes / 1048576.0) / s.Elapsed.TotalSeconds));

    public static Series AllocatedBytes(Lane lane) => new(lane.Name, lane.Samples.Select(s => (double)s.AllocatedBytes / s.Operations));

    /// <summary>How many times the operations a second of <paramref name="one"/> its twin with more threads reaches, round by round.</summary>
    public static Series Scaling(Lane one, Lane many) =>
        new(one.Name, one.Samples.Zip(many.Samples, (o, m) => m.Operations / m.Elapsed.TotalSeconds / (o.Operations / o.Elapsed.TotalSeconds)));
}
