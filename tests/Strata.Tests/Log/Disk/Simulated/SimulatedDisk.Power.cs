namespace Strata.Tests;

/// <content>What is left of it.</content>
internal sealed partial class SimulatedDisk
{
    /// <summary>
    /// The disk as the next process finds it after this one was killed: all that was written, synced or not, so that a later
    /// power cut may still take it. This disk stays as it is; <see cref="Stop"/> makes its process end, too.
    /// </summary>
    public SimulatedDisk Kill()
    {
        lock (_gate)
        {
            var copies = new Dictionary<SimulatedContent, SimulatedContent>();
            SimulatedDisk next = Next(seed);
            next._order = _order;
            foreach ((string name, SimulatedContent content) in _names.Files) Link(next, name, CopyOf(content));
            next._names.Folders.UnionWith(_names.Folders);
            foreach ((string name, SimulatedContent content) in _durableNames.Files) next._durableNames.Files.Add(name, CopyOf(content));
            next._durableNames.Folders.UnionWith(_durableNames.Folders);
            next._nameChanges.AddRange(_nameChanges.Select(c => c.Content is null ? c : c with { Content = CopyOf(c.Content) }));
            return next;

            // A file may have a name that is seen and another on the medium.
            SimulatedContent CopyOf(SimulatedContent content)
            {
                if (!copies.TryGetValue(content, out SimulatedContent? copy)) copies.Add(content, copy = content.Copy());
                return copy;
            }
        }
    }

    /// <summary>The disk as the machine finds it after a loss of power. This disk stays as it is, for another cut at the same moment.</summary>
    public SimulatedDisk CutPower(Random random, PowerCut cut = PowerCut.AnySubset)
    {
        lock (_gate)
        {
            (long keptUpTo, long torn) = cut == PowerCut.KeepsPrefix ? AnyMoment(random) : default;
            SimulatedNames names = NamesAfterCut(random, cut, keptUpTo);
            SimulatedDisk next = Next(random.Next());
            foreach ((string name, SimulatedContent content) in names.Files.OrderBy(f => f.Key, StringComparer.Ordinal))
            {
                SimulatedContent found = content.AfterCut(random, cut, keptUpTo, torn);
                Link(next, name, found);
                next._durableNames.Files.Add(name, found);
            }

            next._names.Folders.UnionWith(names.Folders);
            next._durableNames.Folders.UnionWith(names.Folders);
            return next;
        }
    }

    private static void Link(SimulatedDisk next, string name, SimulatedContent content)
    {
        content.IsLinked = true;
        next._names.Files.Add(name, content);
        next._used += content.AllocatedBytes;
    }

    private SimulatedDisk Next(int nextSeed) => new(nextSeed) { Capacity = _capacity };

    private SimulatedNames NamesAfterCut(Random random, PowerCut cut, long keptUpTo)
    {
        SimulatedNames names = _durableNames.Copy();
        if (cut == PowerCut.AnySubset)
        {
            foreach (IGrouping<string, SimulatedNames.Change> folder in _nameChanges.GroupBy(c => c.Folder))
            {
                SimulatedNames.Change[] changes = [.. folder];
                foreach (SimulatedNames.Change change in changes.Take(random.Next(changes.Length + 1))) change.Apply(names);
            }
        }
        else
        {
            foreach (SimulatedNames.Change change in _nameChanges.Where(c => c.Order <= keptUpTo)) change.Apply(names);
        }

        names.RemoveLost();
        return names;
    }

    /// <summary>A moment between two of the changes that are not on the medium, or before all of them: the last one before it, and the first one after it.</summary>
    private (long Last, long Next) AnyMoment(Random random)
    {
        IEnumerable<SimulatedContent> contents = _names.Files.Values.Concat(_durableNames.Files.Values).Distinct();
        long[] orders = [0, .. _nameChanges.Select(c => c.Order).Concat(contents.SelectMany(c => c.UnsyncedOrders)).Order()];
        int at = random.Next(orders.Length);
        return (orders[at], at + 1 < orders.Length ? orders[at + 1] : 0);
    }
}
