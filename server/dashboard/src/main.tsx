import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/market.css';

import { render } from 'preact';

import { App } from './app';
import { startRouter } from './router';
import { startClock } from './state/freshness';
import { startLive } from './state/live';
import { startTheme } from './state/theme';

startTheme();
startRouter();
startClock();
startLive();
render(<App />, document.getElementById('app')!);
