// A row of buttons of which one is pressed.

interface ChoicesProps<T extends string> {
  label: string;
  options: readonly (readonly [value: T, name: string])[];
  value: T;
  onChoose: (value: T) => void;
}

export function Choices<T extends string>({ label, options, value, onChoose }: ChoicesProps<T>) {
  return (
    <div class="choices" role="group" aria-label={label}>
      {options.map(([option, name]) => (
        <button
          type="button"
          key={option}
          aria-pressed={option === value}
          onClick={() => onChoose(option)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
