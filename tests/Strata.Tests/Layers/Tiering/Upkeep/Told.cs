namespace Strata.Tests;

/// <summary>Keeps what an operation tells of its progress, at once and in order.</summary>
internal sealed class Told : IProgress<UpkeepProgress>
{
    private readonly Lock _gate = new();

    public List<UpkeepProgress> Reports { get; } = [];

    public void Report(UpkeepProgress value)
    {
        lock (_gate) Reports.Add(value);
    }
}
