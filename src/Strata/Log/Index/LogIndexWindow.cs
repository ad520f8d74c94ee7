namespace Strata;

/// <summary>Neighbouring nodes of one parent that share their entries.</summary>
/// <param name="Self">Which of them the path leads to.</param>
/// <param name="Count">How many they are.</param>
internal readonly record struct LogIndexWindow(int Self, int Count);
